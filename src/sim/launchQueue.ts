import type {Launch} from '../scheduler/launch.ts';

/** First in, first out, chained by `next`: a launch is in one queue at a time. */
export class LaunchQueue {
  /** The launch that was pushed first, or null. */
  first: Launch | null = null;
  private last: Launch | null = null;

  push(launch: Launch): void {
    launch.next = null;
    if (this.first === null) this.first = launch;
    else this.last!.next = launch;
    this.last = launch;
  }

  /** Takes the first launch out; there has to be one. */
  shift(): Launch {
    const launch = this.first!;
    this.first = launch.next;
    return launch;
  }
}
