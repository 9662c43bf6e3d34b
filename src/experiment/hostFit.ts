// From the host's times to the host's terms of a profile.
import {group, sum} from 'd3-array';
import type {HostCalls, LaunchKind} from '../gpu/calibration/calls.ts';
import type {SubmitTimes} from '../gpu/calibration/observedDevice.ts';
import {affineFit, lineOfTotals, medianOf, planeOfTotals} from '../gpu/calibration/samples.ts';
import type {WeighedWork} from '../gpu/calibration/samples.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Method} from '../scheduler/kernel.ts';
import type {HostRun} from './hostRuns.ts';
import {fitLaunches} from './launchCost.ts';
import type {CostRow, LaunchCost} from './launchCost.ts';

type HostTerms = DeviceProfile['host'];

/** Fewer equal launches say nothing. */
const leastSamples = 5;
/** Fewer launches that were alone on the device do not say how late the host sees one. */
const leastLatencies = 50;
/** From so many steps on, a launch's method says what it costs, not its first kernel. */
const manySteps = 4;

const kindOf = ({op, method, steps}: SubmitTimes): LaunchKind =>
  op === 'elementwise' && steps < manySteps ? op : method;

/** Nothing is submitted in less, in ns. */
const leastNs = 500;

/** A batched launch of one step instead of several, whose further steps take a + b R ns each. */
function withoutFurther(row: CostRow, {a, b}: {a: number; b: number}): CostRow {
  const {size, steps, ns} = row;
  return {...row, steps: 1, ns: Math.max(leastNs, ns - (steps - 1) * (a + b * size))};
}

/** What each further product of a member takes: measured, or as the base has it. */
function productTerm(
  calls: HostCalls | null,
  {per_product_ns}: HostTerms,
  measured: string,
): Pick<HostTerms, 'per_product_ns'> {
  const ns = calls?.productNs ?? null;
  if (ns !== null) return {per_product_ns: {value: Number(ns.toFixed(2)), source: measured}};
  return per_product_ns === undefined ? {} : {per_product_ns};
}

/**
 * How late the host sees the end of a single product, in ns: the median of the policies' means. Live runs go through
 * thousands of recorded graphs, whose code and parameters are cold; a tight loop over a few of them sees less than that.
 * Null where no policy had enough such launches.
 */
export function liveDetection(runs: readonly HostRun[]): number | null {
  const means = runs.flatMap(({latencies: {single}}) =>
    single !== null && single.n >= leastLatencies ? [single.mean] : [],
  );
  return means.length === 0 ? null : Math.max(0, medianOf(means));
}

/**
 * So many wake-ups with so many further members tell what each takes. Of a few members they are those of busier moments, and of
 * code that has not run often: 1 to 5 us a member, where launches of a hundred show 0.3.
 */
const [leastWakeUps, manyMembers] = [50, 32];

/** What a wake-up takes, in ns: by itself, for each launch seen to end or made, for each further member of those. */
export interface WakeUpTerms {
  readonly fixed: number;
  readonly perLaunch: number;
  readonly perMember: number;
}

/** What wake-ups took. `perMember` is 0 where too few had many members. */
export function wakeUpTerms(runs: readonly HostRun[]): WakeUpTerms {
  const points = pointsOf(runs);
  const many = sum(points, ({v, n}) => (v >= manyMembers ? n : 0));
  if (many < leastWakeUps) return termsWithMembers(points, 0);
  const {a, b, c} = planeOfTotals(points);
  return {fixed: a, perLaunch: b, perMember: c};
}

/** By launches and further members. */
const pointsOf = (runs: readonly HostRun[]): WeighedWork[] =>
  runs.flatMap(({wakeUps}) =>
    wakeUps.byWork.map(({launches, members, ns}) => ({u: launches, v: members, y: ns.mean, n: ns.n})),
  );

/** The terms where a member takes `perMember` ns. */
function termsWithMembers(points: readonly WeighedWork[], perMember: number): WakeUpTerms {
  const rest = points.map(({u, v, y, n}) => ({x: u, y: y - perMember * v, n}));
  const {a, b} = lineOfTotals(rest);
  return {fixed: Math.max(0, a), perLaunch: Math.max(0, b), perMember};
}

/** The same under each policy, of all its runs. A member takes what it does under the others where a policy had few. */
function wakeUpsOf(runs: readonly HostRun[]): Map<string, WakeUpTerms> {
  const told = runs.filter(({wakeUps}) => wakeUps.whole.n >= leastSamples);
  const known = [...group(told, ({policy}) => policy)].map(
    ([policy, of]) => [policy, of, wakeUpTerms(of)] as const,
  );
  const members = known.map(([, , {perMember}]) => perMember).filter((ns) => ns > 0);
  const usual = members.length === 0 ? 0 : medianOf(members);
  return new Map(
    known.map(([policy, of, terms]) => [
      policy,
      terms.perMember > 0 ? terms : termsWithMembers(pointsOf(of), usual),
    ]),
  );
}

/**
 * What live runs show of the host. Means, not medians: a launch that takes long makes those behind it wait. `loopDetectNs`: detection in a tight loop, which counts where live runs do not show it;
 * null where that is not known either. `measured` is the source of that; what was not seen is as in `base`, with the source
 * `assumed`, or with its own where that is null.
 */
export function fitHost(
  runs: readonly HostRun[],
  calls: HostCalls | null,
  loopDetectNs: number | null,
  base: HostTerms,
  {measured, assumed}: {measured: string; assumed: string | null},
): HostTerms {
  const submits = runs.flatMap((run) => run.submits).filter(({ns}) => ns.n >= leastSamples);
  const steps = calls?.steps ?? [];
  // What a further step of a batch takes grows with its members: live batches are too small to say how.
  const further = steps.length > 1 ? affineFit(steps.map(({size, ns}) => [size, ns])) : null;
  const costs = new Map<LaunchKind, LaunchCost>();
  for (const kind of ['single', 'batched', 'strided', 'grouped', 'elementwise'] as const) {
    const live = submits
      .filter((each) => kindOf(each) === kind)
      .map(({size, steps, ns}) => ({size, steps, ns: ns.mean, count: ns.n}))
      .map((row) => (kind === 'batched' && further !== null ? withoutFurther(row, further) : row));
    const alone = (calls?.submit ?? [])
      .filter((call) => call.kind === kind)
      .map(({size, ns}) => [size, ns.p50] as const);
    // Members that follow each other are a graph each, at every step.
    const cost = fitLaunches(live, alone, {perMemberSteps: kind === 'single'});
    if (cost !== null) costs.set(kind, cost);
  }
  const otherwise = <T extends {source: string}>(term: T): T =>
    assumed === null ? term : {...term, source: assumed};
  const terms = (fixed: number, perMember: number) => ({
    fixed_ns: Math.round(fixed),
    per_member_ns: Number(perMember.toFixed(2)),
    source: measured,
  });
  const submit = (method: Method): HostTerms['submit'][Method] => {
    const cost = costs.get(method);
    return cost === undefined ? otherwise(base.submit[method]) : terms(cost.fixed, cost.perMember);
  };
  const batched = submit('batched');
  const elementwise = costs.get('elementwise');
  const known = assumed === null;
  const kept = known ? base.submit.elementwise : undefined;
  const keptElementwise = kept === undefined ? {} : {elementwise: kept};
  const follow: NonNullable<HostTerms['follow']> = known ? {...base.follow} : {};
  for (const method of ['single', 'batched', 'grouped'] as const) {
    const cost = costs.get(method);
    const isKnown = submits.some((each) => each.steps > 1 && kindOf(each) === method);
    if (isKnown && cost !== undefined) follow[method] = terms(cost.stepFixed, cost.stepPerMember);
  }
  if (further !== null) follow.batched = terms(further.a, further.b);
  if (follow.batched !== undefined) follow.padded = follow.batched;
  const detectNs = liveDetection(runs) ?? loopDetectNs;
  const decide = wakeUpsOf(runs);
  const byPolicy: NonNullable<HostTerms['decide_by_policy']> = known ? {...base.decide_by_policy} : {};
  const launchesByPolicy: NonNullable<HostTerms['decide_launches_by_policy']> = known
    ? {...base.decide_launches_by_policy}
    : {};
  const membersByPolicy: NonNullable<HostTerms['decide_members_by_policy']> = known
    ? {...base.decide_members_by_policy}
    : {};
  for (const [policy, {fixed, perLaunch, perMember}] of decide) {
    byPolicy[policy] = {value: Math.round(fixed), source: measured};
    launchesByPolicy[policy] = {value: Math.round(perLaunch), source: measured};
    membersByPolicy[policy] = {value: Number(perMember.toFixed(1)), source: measured};
  }
  return {
    submit: {
      single: submit('single'),
      batched,
      strided: submit('strided'),
      grouped: submit('grouped'),
      padded: costs.has('batched') ? batched : otherwise(base.submit.padded),
      ...(elementwise === undefined
        ? keptElementwise
        : {elementwise: terms(elementwise.fixed, elementwise.perMember)}),
    },
    ...(Object.keys(follow).length === 0 ? {} : {follow}),
    ...productTerm(calls, base, measured),
    detect_ns:
      detectNs === null ? otherwise(base.detect_ns) : {value: Math.round(detectNs), source: measured},
    decide_ns:
      decide.size === 0
        ? otherwise(base.decide_ns)
        : {value: Math.round(medianOf([...decide.values()].map(({fixed}) => fixed))), source: measured},
    ...(Object.keys(byPolicy).length === 0 ? {} : {decide_by_policy: byPolicy}),
    ...(Object.keys(launchesByPolicy).length === 0 ? {} : {decide_launches_by_policy: launchesByPolicy}),
    ...(Object.keys(membersByPolicy).length === 0 ? {} : {decide_members_by_policy: membersByPolicy}),
  };
}
