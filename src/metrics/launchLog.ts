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

type Decided = Pick<LoggedLaunch, 'tenant' | 'batch' | 'kernel' | 'members' | 'beside'>;

/**
 * Keeps every launch of a run, so that two runs of one scenario can be compared decision by decision, and prediction
 * with measurement. Meant for validation: it allocates, at some 100 ns a launch.
 */
export class LaunchLog implements Recorder {
  readonly launches: LoggedLaunch[] = [];
  private context: DeviceContext | null = null;
  private readonly laneEndAt: number[] = [];
  private readonly laneCount: number[] = [];
  private inFlight = 0;
  private readonly open = new Map<number, Decided>();

  attach(context: DeviceContext): void {
    this.context = context;
  }

  arrived(): void {}
  completed(): void {}
  dropped(): void {}

  launched(launch: Launch): void {
    const {streams, programs} = this.context!;
    let members = 0;
    for (let i = 0; i < launch.size; i++) {
      const slot = launch.members[i];
      members = (Math.imul(members, 31) + streams.tenant[slot] + 1) | 0;
      members = (Math.imul(members, 31) + streams.batch[slot]) | 0;
    }
    const first = launch.members[0];
    const cursor = streams.cursor[first];
    const own = this.laneCount[launch.lane] ?? 0;
    this.open.set(launch.id, {
      members,
      beside: this.inFlight - own,
      tenant: streams.tenant[first],
      batch: streams.batch[first],
      kernel: cursor - startOfProgram(programs.classes, cursor),
    });
    this.laneCount[launch.lane] = own + 1;
    this.inFlight++;
  }

  finished(launch: Launch): void {
    const {id, cls, method, size, steps, lane, failed} = launch;
    const {decidedAt, releasedAt, finishedAt, predictedNs} = launch;
    const decided = this.open.get(id)!;
    this.open.delete(id);
    this.inFlight--;
    this.laneCount[lane]--;
    const freeAt = Math.max(releasedAt, this.laneEndAt[lane] ?? 0);
    this.laneEndAt[lane] = finishedAt;
    this.launches.push({
      id,
      cls,
      method,
      size,
      steps,
      lane,
      failed,
      ...decided,
      decidedAt,
      releasedAt,
      freeAt,
      finishedAt,
      predictedNs,
    });
  }

  /** The launches in the order in which they were decided. */
  inOrder(): LoggedLaunch[] {
    return this.launches.toSorted((a, b) => a.id - b.id);
  }
}
