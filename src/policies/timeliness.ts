import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';

/** The quantile of requests for which a plan's time, stretched by the margin, should do. */
const quantile = 0.9;
/** How far the margin moves for one request, and within which bounds. */
const step = 0.02;
const [first, least, most] = [1.5, 1.1, 20];
/** A request counts as on time for at least the rest of its SLO, or under overload nobody might. */
const freshShare = 0.8;

/**
 * Tells which requests can still be in time. One that has begun can while it would if it ran on alone. One that has not
 * needs the time that is planned for it and a margin for what plans leave out: contention, waits in between, errors of
 * the profile. The margin is learnt, by model: a running quantile of actual over planned time (Robbins & Monro 1951), so
 * that a policy which begins more than it can finish in time notices.
 */
export class Timeliness {
  /** By tenant, its index in `margins`. */
  private readonly modelOf: Int32Array;
  private readonly margins: Float64Array;
  /** By slot: what was planned when the request began; 0 where it was late already and tells nothing. */
  private planned = new Float64Array(256);

  constructor({tenants}: Situation) {
    const ids = new Map<string, number>();
    for (const {model} of tenants) if (!ids.has(model)) ids.set(model, ids.size);
    this.modelOf = Int32Array.from(tenants, ({model}) => ids.get(model)!);
    this.margins = new Float64Array(ids.size).fill(first);
  }

  /** Whether a request can be in time that takes `plannedNs` from now on, if it has not begun. */
  isInTime(slot: number, plannedNs: Nanoseconds, {streams, programs, tenants, now}: Situation): boolean {
    const alone = programs.remainingNs[streams.cursor[slot]];
    const left = streams.deadlineAt[slot] - now;
    if (streams.startedAt[slot] >= 0 || left < alone) return left >= alone;
    const tenant = streams.tenant[slot];
    const needed = this.margins[this.modelOf[tenant]] * plannedNs;
    return left >= Math.min(needed, freshShare * tenants[tenant].sloNs);
  }

  /** A request begins that is planned to take `plannedNs`. */
  begin(slot: number, plannedNs: Nanoseconds, {streams, now}: Situation): void {
    if (slot >= this.planned.length) {
      const {planned} = this;
      this.planned = new Float64Array(2 * slot);
      this.planned.set(planned);
    }
    const needed = this.margins[this.modelOf[streams.tenant[slot]]] * plannedNs;
    this.planned[slot] = now + needed <= streams.deadlineAt[slot] ? plannedNs : 0;
  }

  /** A request is complete. */
  complete(slot: number, {streams, now}: Situation): void {
    const planned = this.planned[slot];
    if (planned === 0) return;
    const model = this.modelOf[streams.tenant[slot]];
    const margin = this.margins[model];
    const tookLonger = now - streams.startedAt[slot] > margin * planned;
    const moved = margin + (tookLonger ? step * quantile : -step * (1 - quantile));
    this.margins[model] = Math.min(most, Math.max(least, moved));
  }
}
