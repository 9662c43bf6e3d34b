import type {Launch} from '../scheduler/launch.ts';
import type {Situation} from '../scheduler/policy.ts';

/** Counts the streams in the system by model, as streams of one model run kernels of equal shapes. */
export class ModelCensus {
  private readonly modelOf: Int32Array;
  private readonly count: Int32Array;
  private total = 0;

  constructor({tenants}: Situation) {
    const ids = new Map<string, number>();
    this.modelOf = Int32Array.from(tenants, ({model}) => {
      let id = ids.get(model);
      if (id === undefined) ids.set(model, (id = ids.size));
      return id;
    });
    this.count = new Int32Array(ids.size);
  }

  /** To be called from `onReady`. */
  onReady(slot: number, {streams}: Situation): void {
    if (streams.startedAt[slot] >= 0) return;
    this.count[this.modelOf[streams.tenant[slot]]]++;
    this.total++;
  }

  /** To be called from `onFinished`. */
  onFinished({failed, members, size, steps}: Launch, {streams, programs}: Situation): void {
    if (failed) return;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      if (programs.classes[streams.cursor[slot] + steps] >= 0) continue;
      this.count[this.modelOf[streams.tenant[slot]]]--;
      this.total--;
    }
  }

  /** How many streams of a tenant's model are in the system. */
  alike(tenant: number, situation: Situation): number {
    // Drops, and streams that became ready twice before they began, are not announced: count again.
    if (this.total !== situation.streams.live) this.recount(situation);
    return this.count[this.modelOf[tenant]];
  }

  private recount({streams}: Situation): void {
    this.count.fill(0);
    for (let slot = 0; slot < streams.capacity; slot++) {
      if (streams.state[slot] !== 0) this.count[this.modelOf[streams.tenant[slot]]]++;
    }
    this.total = streams.live;
  }
}
