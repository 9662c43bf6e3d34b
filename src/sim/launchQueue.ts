import type {Launch} from '../scheduler/launch.ts';

/** First in, first out, in a ring that grows: nothing is allocated or moved once it is as long as it gets. */
export class LaunchQueue {
  length = 0;
  private ring: (Launch | null)[] = [null, null, null, null];
  private head = 0;

  /** The launch that was pushed first; there has to be one. */
  first(): Launch {
    return this.ring[this.head]!;
  }

  push(launch: Launch): void {
    if (this.length === this.ring.length) this.grow();
    this.ring[(this.head + this.length++) & (this.ring.length - 1)] = launch;
  }

  /** Takes the first launch out; there has to be one. */
  shift(): Launch {
    const {ring, head} = this;
    const launch = ring[head]!;
    ring[head] = null;
    this.head = (head + 1) & (ring.length - 1);
    this.length--;
    return launch;
  }

  private grow(): void {
    const {ring, head, length} = this;
    this.ring = Array.from({length: 2 * length}, (_, i) =>
      i < length ? ring[(head + i) & (length - 1)] : null,
    );
    this.head = 0;
  }
}
