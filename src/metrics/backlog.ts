import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Window} from './window.ts';

/** Stretches of the window over which the backlog is averaged, and requests are counted. */
export const stretches = 20;

/** The requests in the system, by tenant: their mean over each of 20 equal stretches of the window. */
export class Backlog {
  /** Requests in the system now, by tenant. */
  readonly now: Int32Array;
  /** Length of a stretch. */
  readonly stretchNs: Nanoseconds;
  private readonly window: Window;
  /** Requests times ns since the stretch began, up to each tenant's last event. */
  private readonly area: Float64Array;
  private readonly lastAt: Float64Array;
  /** Mean requests by stretch and tenant. */
  private readonly means: Float64Array;
  private done = -1;
  private stretchEndsAt: Nanoseconds;
  private time: Nanoseconds = 0;

  constructor(tenants: number, window: Window) {
    this.now = new Int32Array(tenants);
    this.stretchNs = (window.endNs - window.startNs) / stretches;
    this.window = window;
    this.area = new Float64Array(tenants);
    this.lastAt = new Float64Array(tenants);
    this.means = new Float64Array(tenants * stretches);
    this.stretchEndsAt = window.startNs; // of the warm-up
  }

  enter(tenant: number, at: Nanoseconds): void {
    this.change(tenant, at, 1);
  }

  leave(tenant: number, at: Nanoseconds): void {
    this.change(tenant, at, -1);
  }

  /** Time has passed: call once more at the run's end. */
  advance(at: Nanoseconds): void {
    if (at > this.time) this.time = at;
    while (this.stretchEndsAt <= at) this.endStretch();
  }

  /** A tenant's mean requests in the system, by stretch, as far as the run has come. */
  of(tenant: number): number[] {
    const tenants = this.now.length;
    return Array.from({length: Math.max(0, this.done)}, (_, i) => this.means[i * tenants + tenant]);
  }

  /** The same of all tenants together. */
  ofAll(): number[] {
    const tenants = this.now.length;
    return Array.from({length: Math.max(0, this.done)}, (_, i) =>
      this.means.subarray(i * tenants, (i + 1) * tenants).reduce((a, b) => a + b, 0),
    );
  }

  private change(tenant: number, at: Nanoseconds, by: number): void {
    this.advance(at);
    const {time} = this;
    this.area[tenant] += this.now[tenant] * (time - this.lastAt[tenant]);
    this.lastAt[tenant] = time;
    this.now[tenant] += by;
    if (at < time) this.makeUp(tenant, at, by);
  }

  /** A change is reported after others that came later, as an arrival while the host was busy: it counts from then on. */
  private makeUp(tenant: number, from: Nanoseconds, by: number): void {
    const {area, means, window, stretchNs} = this;
    const tenants = this.now.length;
    let to = this.time;
    for (let stretch = this.done; stretch >= 0 && from < to; stretch--) {
      const begin = Math.max(from, window.startNs + stretch * stretchNs);
      if (stretch === this.done) area[tenant] += by * (to - begin);
      else means[stretch * tenants + tenant] += (by * (to - begin)) / stretchNs;
      to = begin;
    }
  }

  private endStretch(): void {
    const {now, area, lastAt, means, done, stretchEndsAt, stretchNs} = this;
    const tenants = now.length;
    for (let tenant = 0; tenant < tenants; tenant++) {
      if (done >= 0) {
        const whole = area[tenant] + now[tenant] * (stretchEndsAt - lastAt[tenant]);
        means[done * tenants + tenant] = whole / stretchNs;
      }
      area[tenant] = 0;
      lastAt[tenant] = stretchEndsAt;
    }
    this.done++;
    this.stretchEndsAt = this.done < stretches ? this.window.startNs + (this.done + 1) * stretchNs : Infinity;
  }
}
