import type {Situation} from '../scheduler/policy.ts';
import {streamStates} from '../scheduler/streams.ts';

/**
 * How many streams of every program are in the system, ready or running. Programs are one here whose kernels are of the
 * same groups in the same order: whose streams coalesce all the way, whether or not their weights are shared.
 */
export class Populations {
  /** By tenant: the index of its program in `live`. */
  readonly programOf: Int32Array;
  private readonly live: Int32Array;
  /** The tightest SLO among the tenants of a program. */
  readonly sloNs: Float64Array;
  private total = 0;

  constructor(situation: Situation) {
    const {tenants, programs} = situation;
    const ids = new Map<string, number>();
    this.programOf = Int32Array.from(tenants, (tenant) => {
      const begin = tenant.program(1);
      const groups = Array.from(
        programs.classes.subarray(begin, begin + programs.kernelsLeft(begin)),
        (cls) => situation.groupOf(cls),
      );
      const key = groups.join(' ');
      if (!ids.has(key)) ids.set(key, ids.size);
      return ids.get(key)!;
    });
    this.live = new Int32Array(ids.size);
    this.sloNs = new Float64Array(ids.size).fill(Infinity);
    for (const [i, {sloNs}] of tenants.entries()) {
      const program = this.programOf[i];
      this.sloNs[program] = Math.min(this.sloNs[program], sloNs);
    }
  }

  /** Which program a stream runs. */
  program(slot: number, {streams}: Situation): number {
    return this.programOf[streams.tenant[slot]];
  }

  /** Streams of a program. */
  of(program: number): number {
    return this.live[program];
  }

  /** A stream has begun to exist. */
  arrived(slot: number, situation: Situation): void {
    this.live[this.program(slot, situation)]++;
    this.total++;
  }

  /** A stream has completed. */
  left(slot: number, situation: Situation): void {
    this.live[this.program(slot, situation)]--;
    this.total--;
  }

  /** Counts afresh where streams have come or gone unseen, as dropped ones do. To be called before every decision. */
  check({streams}: Situation): void {
    if (this.total === streams.live) return;
    this.live.fill(0);
    for (let slot = 0; slot < streams.capacity; slot++)
      if (streams.state[slot] !== streamStates.free) this.live[this.programOf[streams.tenant[slot]]]++;
    this.total = streams.live;
  }
}
