import type {DeviceContext} from '../scheduler/device.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Recorder} from '../scheduler/recorder.ts';

/** One launch as decided and as it went; times in ns on the run's clock. */
export interface LoggedLaunch {
  readonly id: number;
  readonly cls: number;
  readonly method: number;
  readonly size: number;
  readonly steps: number;
  readonly lane: number;
  /** A number that tells which tenants were members. */
  readonly members: number;
  /** Launches in flight on other lanes when it was released. */
  readonly beside: number;
  readonly decidedAt: Nanoseconds;
  readonly releasedAt: Nanoseconds;
  /** When its lane was free for it: the release, or the end of the launch before. */
  readonly freeAt: Nanoseconds;
  readonly finishedAt: Nanoseconds;
  readonly predictedNs: Nanoseconds;
}

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
  private readonly open = new Map<number, {members: number; beside: number}>();

  attach(context: DeviceContext): void {
    this.context = context;
  }

  arrived(): void {}
  completed(): void {}
  dropped(): void {}

  launched(launch: Launch): void {
    const {tenant} = this.context!.streams;
    let members = 0;
    for (let i = 0; i < launch.size; i++) {
      members = (Math.imul(members, 31) + tenant[launch.members[i]] + 1) | 0;
    }
    const own = this.laneCount[launch.lane] ?? 0;
    this.open.set(launch.id, {members, beside: this.inFlight - own});
    this.laneCount[launch.lane] = own + 1;
    this.inFlight++;
  }

  finished(launch: Launch): void {
    const {id, cls, method, size, steps, lane, decidedAt, releasedAt, finishedAt, predictedNs} = launch;
    const {members, beside} = this.open.get(id)!;
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
      members,
      beside,
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
