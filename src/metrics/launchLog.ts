import type {DeviceContext} from '../scheduler/device.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {startOfProgram} from './startOfProgram.ts';
import type {Recorder} from '../scheduler/recorder.ts';

/** One launch as decided and as it went; times in ns on the run's clock. */
export interface LoggedLaunch {
  readonly id: number;
  /** Shape class where it was known before the run: batches number theirs as they come, so two runs may differ. */
  readonly cls: number;
  readonly method: number;
  readonly size: number;
  readonly steps: number;
  readonly lane: number;
  /** Of the first member: its tenant, how many requests it serves, and which of its kernels is the first to run. */
  readonly tenant: number;
  readonly batch: number;
  readonly kernel: number;
  /** Whether all members are of that tenant. */
  readonly ofOneTenant: boolean;
  /** A number that tells which tenants were members, and how many requests each served. */
  readonly members: number;
  /** Launches in flight on other lanes when it was released. */
  readonly beside: number;
  readonly failed: boolean;
  readonly decidedAt: Nanoseconds;
  readonly releasedAt: Nanoseconds;
  /** When its lane was free for it: the release, or the end of the launch before. */
  readonly freeAt: Nanoseconds;
  readonly finishedAt: Nanoseconds;
  readonly predictedNs: Nanoseconds;
}

/** The numbers of a launch, in the order in which a row holds them. */
const fields = [
  'cls',
  'method',
  'size',
  'steps',
  'lane',
  'tenant',
  'batch',
  'cursor',
  'ofOneTenant',
  'members',
  'beside',
  'failed',
  'decidedAt',
  'releasedAt',
  'freeAt',
  'finishedAt',
  'predictedNs',
] as const;
const width = fields.length;
const at = Object.fromEntries(fields.map((field, i) => [field, i])) as Record<
  (typeof fields)[number],
  number
>;

const rowsOfChunk = 8192;
/** Chunks that are there from the start: memory that is first touched in a run costs it time. */
const chunksAtFirst = 8;

/**
 * Keeps every launch of a run, so that two runs of one scenario can be compared decision by decision, and prediction
 * with measurement. It makes no garbage, as live runs are watched too: objects that stay would cost them milliseconds.
 */
export class LaunchLog implements Recorder {
  private context: DeviceContext | null = null;
  private readonly laneEndAt: number[] = [];
  private readonly laneCount: number[] = [];
  private inFlight = 0;
  /** Rows by launch id, some thousand to a chunk; `finishedAt` is NaN until then. */
  private readonly chunks: Float64Array[] = [];
  private count = 0;
  private readonly detectNs: Nanoseconds;

  /**
   * A GPU's launches end when the host sees it. Those of a simulated device end on the device: `detectNs` is how long the
   * host then takes to see it, so that both logs mean the same.
   */
  constructor(detectNs: Nanoseconds = 0) {
    this.detectNs = detectNs;
    for (let i = 0; i < chunksAtFirst; i++) this.addChunk();
  }

  attach(context: DeviceContext): void {
    this.context = context;
  }

  arrived(): void {}
  completed(): void {}
  dropped(): void {}

  launched({id, size, members, lane}: Launch): void {
    const {streams} = this.context!;
    const tenant = streams.tenant[members[0]];
    let ofOneTenant = 1;
    let mixed = 0;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      if (streams.tenant[slot] !== tenant) ofOneTenant = 0;
      mixed = (Math.imul(mixed, 31) + streams.tenant[slot] + 1) | 0;
      mixed = (Math.imul(mixed, 31) + streams.batch[slot]) | 0;
    }
    while (id >= this.chunks.length * rowsOfChunk) this.addChunk();
    this.count = Math.max(this.count, id + 1);
    const chunk = this.chunks[Math.floor(id / rowsOfChunk)];
    const row = (id % rowsOfChunk) * width;
    const own = this.laneCount[lane] ?? 0;
    chunk[row + at.tenant] = tenant;
    chunk[row + at.ofOneTenant] = ofOneTenant;
    chunk[row + at.batch] = streams.batch[members[0]];
    chunk[row + at.cursor] = streams.cursor[members[0]];
    chunk[row + at.members] = mixed;
    chunk[row + at.beside] = this.inFlight - own;
    this.laneCount[lane] = own + 1;
    this.inFlight++;
  }

  finished(launch: Launch): void {
    const {id, lane, releasedAt} = launch;
    const finishedAt = launch.finishedAt + this.detectNs;
    this.inFlight--;
    this.laneCount[lane]--;
    const chunk = this.chunks[Math.floor(id / rowsOfChunk)];
    const row = (id % rowsOfChunk) * width;
    chunk[row + at.cls] = launch.cls;
    chunk[row + at.method] = launch.method;
    chunk[row + at.size] = launch.size;
    chunk[row + at.steps] = launch.steps;
    chunk[row + at.lane] = lane;
    chunk[row + at.failed] = launch.failed ? 1 : 0;
    chunk[row + at.decidedAt] = launch.decidedAt;
    chunk[row + at.releasedAt] = releasedAt;
    chunk[row + at.freeAt] = Math.max(releasedAt, this.laneEndAt[lane] ?? 0);
    chunk[row + at.finishedAt] = finishedAt;
    chunk[row + at.predictedNs] = launch.predictedNs;
    this.laneEndAt[lane] = finishedAt;
  }

  /** The launches that have finished, in the order in which they were decided. */
  inOrder(): LoggedLaunch[] {
    const {classes} = this.context!.programs;
    const found: LoggedLaunch[] = [];
    for (let id = 0; id < this.count; id++) {
      const chunk = this.chunks[Math.floor(id / rowsOfChunk)];
      const row = (id % rowsOfChunk) * width;
      if (Number.isNaN(chunk[row + at.finishedAt])) continue;
      const cursor = chunk[row + at.cursor];
      found.push({
        id,
        cls: chunk[row + at.cls],
        method: chunk[row + at.method],
        size: chunk[row + at.size],
        steps: chunk[row + at.steps],
        lane: chunk[row + at.lane],
        tenant: chunk[row + at.tenant],
        batch: chunk[row + at.batch],
        kernel: cursor - startOfProgram(classes, cursor),
        ofOneTenant: chunk[row + at.ofOneTenant] === 1,
        members: chunk[row + at.members],
        beside: chunk[row + at.beside],
        failed: chunk[row + at.failed] === 1,
        decidedAt: chunk[row + at.decidedAt],
        releasedAt: chunk[row + at.releasedAt],
        freeAt: chunk[row + at.freeAt],
        finishedAt: chunk[row + at.finishedAt],
        predictedNs: chunk[row + at.predictedNs],
      });
    }
    return found;
  }

  private addChunk(): void {
    this.chunks.push(new Float64Array(rowsOfChunk * width).fill(NaN));
  }
}
