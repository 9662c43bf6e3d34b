// Families: tenants whose requests may share a batch. Requests of held tenants wait and are not counted.
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {Tenant} from '../scheduler/tenant.ts';

/** The tenants by family, in order of their first tenants; without `together`, every tenant alone. */
export function familiesOf(tenants: readonly Tenant[], together: boolean): readonly (readonly number[])[] {
  const families = new Map<number, number[]>();
  for (const [i, {family}] of tenants.entries()) {
    const key = together ? family : i;
    const members = families.get(key);
    if (members === undefined) families.set(key, [i]);
    else members.push(i);
  }
  return [...families.values()];
}

/** Requests of a family that wait. */
export function waitingOf(family: readonly number[], situation: Situation): number {
  let n = 0;
  for (const tenant of family) if (!situation.isHeld(tenant)) n += situation.requests.waiting[tenant];
  return n;
}

/** When the family's longest waiting request arrived; Infinity if none waits. */
export function oldestOf(family: readonly number[], situation: Situation): Nanoseconds {
  const {requests} = situation;
  let oldest = Infinity;
  for (const tenant of family) {
    if (requests.waiting[tenant] === 0 || situation.isHeld(tenant)) continue;
    oldest = Math.min(oldest, requests.arrivalAt[requests.first(tenant)]);
  }
  return oldest;
}

/** The earliest deadline of the family's waiting requests; Infinity if none waits. */
export function deadlineOf(family: readonly number[], situation: Situation): Nanoseconds {
  const {requests, tenants} = situation;
  let deadline = Infinity;
  for (const tenant of family) {
    if (requests.waiting[tenant] === 0 || situation.isHeld(tenant)) continue;
    deadline = Math.min(deadline, requests.arrivalAt[requests.first(tenant)] + tenants[tenant].sloNs);
  }
  return deadline;
}

/**
 * Starts a stream for `size` of the family's waiting requests: lower levels first, then in order of arrival. A tenant's
 * own requests keep their order.
 */
export function startOldest(
  family: readonly number[],
  size: number,
  situation: Situation,
  level: (tenant: number, arrivalAt: Nanoseconds) => number = () => 0,
): number {
  const {requests} = situation;
  const next = family.map((tenant) => (situation.isHeld(tenant) ? -1 : requests.first(tenant)));
  const counts = family.map(() => 0);
  for (let n = 0; n < size; n++) {
    let best = -1;
    let bestLevel = Infinity;
    let bestAt = Infinity;
    for (let i = 0; i < family.length; i++) {
      if (next[i] < 0) continue;
      const at = requests.arrivalAt[next[i]];
      const l = level(family[i], at);
      if (l < bestLevel || (l === bestLevel && at < bestAt)) {
        best = i;
        bestLevel = l;
        bestAt = at;
      }
    }
    counts[best]++;
    next[best] = requests.next[next[best]];
  }
  return situation.startShared(family, counts);
}
