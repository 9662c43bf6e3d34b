import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Device} from '../../scheduler/device.ts';
import type {Launch} from '../../scheduler/launch.ts';
import type {WallClock} from '../wallClock.ts';

/**
 * A device that costs no time: each wait ends with the completion of the oldest launch in flight. What a run on it takes
 * is the scheduler's own part: seeing, deciding, recording.
 */
export class StubDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  /** Waits so far: wake-ups of the scheduler. */
  waits = 0;
  private readonly clock: WallClock;
  private readonly queue: Launch[] = [];
  private head = 0;
  private ended = 0;

  constructor(clock: WallClock, lanes: number, depth: number) {
    this.clock = clock;
    this.lanes = lanes;
    this.depth = depth;
  }

  attach(): void {
    // Needs no operands.
  }

  submit(launch: Launch): void {
    launch.submittedAt = launch.releasedAt = launch.startedAt = this.clock.now();
    this.queue.push(launch);
  }

  poll(): Launch | null {
    if (this.ended === 0) return null;
    this.ended--;
    const launch = this.queue[this.head++];
    if (this.head === 1024) {
      this.queue.splice(0, this.head);
      this.head = 0;
    }
    launch.finishedAt = this.clock.now();
    return launch;
  }

  wait(until: Nanoseconds): void {
    this.waits++;
    if (this.head + this.ended < this.queue.length) this.ended++;
    else while (this.clock.now() < until);
  }
}
