// The same arrivals through simulator and GPU, K times: how far the simulator is off, and which term is to blame.
import {group} from 'd3-array';
import type {LoggedLaunch} from '../metrics/launchLog.ts';
import type {RunSummary} from '../metrics/result.ts';
import {mean} from '../metrics/stats.ts';
import {methods} from '../scheduler/kernel.ts';
import type {RunSpec} from './simulate.ts';

/** One world: runs a spec, the first time with `time` 0, and tells what came of it, and every launch in the order of decision. */
export type Runner = (
  spec: RunSpec,
  time: number,
) => Promise<{
  readonly summary: RunSummary;
  readonly launches: readonly LoggedLaunch[];
  /** The GPU's SM clock as the run ended; null where nobody knows, and of simulated ones. */
  readonly clockMHz: number | null;
}>;

/** What is compared, with how errors are stated. */
export const validatedMetrics = {
  slo_attainment: 'points',
  latency_p50_ns: 'relative',
  latency_p99_ns: 'relative',
  throughput_per_s: 'relative',
} as const;
export type ValidatedMetric = keyof typeof validatedMetrics;

/** Simulated against measured of one metric, over the repeats. */
export interface MetricError {
  readonly simulated: number;
  readonly measured: number;
  /** Simulated less measured: in percentage points, or relative to the measured value. */
  readonly error: number;
  /** The GPU's own spread: half the range between repeats of the very same run, in the unit of `error`; null of one run. */
  readonly spread: number | null;
  /** The same of the simulator's runs. */
  readonly simulatedSpread: number | null;
}

/** Predicted against measured of the superkernels of one kind. */
export interface KindError {
  /** The members' shape, e.g. `gemm 256x128x1152 fp32`; of several steps the first. */
  readonly kernel: string;
  readonly steps: number;
  readonly size: number;
  readonly method: string;
  /** Whether others were in flight on other lanes. */
  readonly beside: boolean;
  readonly launches: number;
  /** Medians, in ns: the profile's prediction for an idle device, the simulator's time, the GPU's. */
  readonly predictedNs: number;
  readonly simulatedNs: number | null;
  readonly measuredNs: number;
}

/** Which term the difference in busy time comes from; shares of the measured time between release and end. */
export interface Attribution {
  /** Launches with nothing beside them: predicted over measured, less 1. */
  readonly costModel: number | null;
  /** Launches beside others: simulated over measured, less 1, beyond the cost model's error. */
  readonly contention: number | null;
  /** Host time from the decision to the release, per launch: simulated less measured, in ns. */
  readonly hostNs: number | null;
  /** Share of the launches decided before the two schedules first differ; where lanes have hosts of their own, lane by lane. */
  readonly agreed: number;
  /** The earliest decision at which they first differ, and how; null where they never do. */
  readonly divergence: {
    readonly launch: number;
    readonly atNs: number;
    readonly simulated: string;
    readonly measured: string;
  } | null;
}

/** What validation has to know of a policy's runs besides what came of them. */
export interface LaunchNames {
  /** The shape of a launch's first step, the same in both worlds. */
  kernel(launch: LoggedLaunch): string;
  /** Whether every lane has a host of its own, so that there is no order between the lanes' decisions. */
  readonly lanesApart: boolean;
}

export interface ValidatedCell {
  readonly policy: string;
  readonly load: number | null;
  readonly metrics: Partial<Record<ValidatedMetric, MetricError>>;
  readonly kinds: readonly KindError[];
  readonly attribution: Attribution;
  /** The runs of the first replication's arrivals, then those of the second, and so on; */
  readonly simulated: readonly RunSummary[];
  /** and the GPU's. */
  readonly measured: readonly RunSummary[];
  /** How many replications there are. */
  readonly replications: number;
  /** The GPU's SM clock as the measured runs ended, in their order. */
  readonly clocksMHz: readonly (number | null)[];
}

/** How often the same arrivals are run. */
export interface RunCounts {
  readonly simulated: number;
  readonly measured: number;
}

/** Validates one policy at one load. Launches are compared of the first runs. */
export async function validateCell(
  specs: readonly RunSpec[],
  simulate: Runner,
  measure: Runner,
  counts: RunCounts,
  names: LaunchNames,
): Promise<ValidatedCell> {
  const run = async (
    world: Runner,
    times: number,
  ): Promise<{summaries: RunSummary[][]; launches: readonly LoggedLaunch[]; clocks: (number | null)[]}> => {
    const summaries: RunSummary[][] = [];
    const clocks: (number | null)[] = [];
    let first: readonly LoggedLaunch[] | undefined;
    for (const spec of specs) {
      const of: RunSummary[] = [];
      for (let time = 0; time < times; time++) {
        const {summary, launches, clockMHz} = await world(spec, time);
        of.push(summary);
        clocks.push(clockMHz);
        first ??= launches;
      }
      summaries.push(of);
    }
    return {summaries, launches: first!, clocks};
  };
  const simulated = await run(simulate, counts.simulated);
  const measured = await run(measure, counts.measured);
  const {policy, load} = specs[0];
  const metrics: Partial<Record<ValidatedMetric, MetricError>> = {};
  for (const metric of Object.keys(validatedMetrics) as ValidatedMetric[]) {
    const error = metricError(metric, simulated.summaries, measured.summaries);
    if (error !== null) metrics[metric] = error;
  }
  return {
    policy,
    load,
    metrics,
    kinds: kindErrors(simulated.launches, measured.launches, names),
    attribution: attribute(simulated.launches, measured.launches, names),
    simulated: simulated.summaries.flat(),
    measured: measured.summaries.flat(),
    replications: specs.length,
    clocksMHz: measured.clocks,
  };
}

/** Null where either side has no such number, e.g. a p99 of too few requests. */
function metricError(
  metric: ValidatedMetric,
  simulated: readonly (readonly RunSummary[])[],
  measured: readonly (readonly RunSummary[])[],
): MetricError | null {
  const of = (specs: readonly (readonly RunSummary[])[]): number[][] | null => {
    const values = specs.map((runs) => runs.map((run) => run[metric]));
    return values.flat().every((value) => value !== null) ? (values as number[][]) : null;
  };
  const [predicted, seen] = [of(simulated), of(measured)];
  if (predicted === null || seen === null) return null;
  const [predictedMean, seenMean] = [mean(predicted.flat()), mean(seen.flat())];
  const unit = validatedMetrics[metric] === 'points' ? 0.01 : seenMean;
  const spread = (specs: readonly (readonly number[])[]): number | null =>
    specs[0].length < 2
      ? null
      : mean(specs.map((values) => (Math.max(...values) - Math.min(...values)) / 2)) / unit;
  return {
    simulated: predictedMean,
    measured: seenMean,
    error: (predictedMean - seenMean) / unit,
    spread: spread(seen),
    simulatedSpread: spread(predicted),
  };
}

const durationOf = (launch: LoggedLaunch): number => launch.finishedAt - launch.freeAt;

function kindErrors(
  simulated: readonly LoggedLaunch[],
  measured: readonly LoggedLaunch[],
  names: LaunchNames,
): KindError[] {
  const kindOf = (launch: LoggedLaunch): string =>
    `${names.kernel(launch)}/${launch.size}/${launch.method}/${launch.steps}/${launch.beside > 0}`;
  const wentWell = ({failed}: LoggedLaunch): boolean => !failed;
  const ofSimulated = group(simulated, kindOf);
  return [...group(measured.filter(wentWell), kindOf)]
    .map(([kind, launches]) => {
      const {size, method, steps, beside} = launches[0];
      const twins = ofSimulated.get(kind);
      return {
        kernel: names.kernel(launches[0]),
        steps,
        size,
        method: methods[method],
        beside: beside > 0,
        launches: launches.length,
        predictedNs: median(launches.map(({predictedNs}) => predictedNs)),
        simulatedNs: twins === undefined ? null : median(twins.map(durationOf)),
        measuredNs: median(launches.map(durationOf)),
      };
    })
    .toSorted((a, b) => b.launches * b.measuredNs - a.launches * a.measuredNs);
}

function attribute(
  simulated: readonly LoggedLaunch[],
  measured: readonly LoggedLaunch[],
  names: LaunchNames,
): Attribution {
  const kinds = kindErrors(simulated, measured, names).filter(({simulatedNs}) => simulatedNs !== null);
  const weighted = (beside: boolean): number | null => {
    const chosen = kinds.filter((kind) => kind.beside === beside);
    const time = chosen.reduce((sum, kind) => sum + kind.launches * kind.measuredNs, 0);
    if (time === 0) return null;
    return (
      chosen.reduce((sum, kind) => sum + kind.launches * (kind.simulatedNs! - kind.measuredNs), 0) / time
    );
  };
  const alone = weighted(false);
  const together = weighted(true);
  const host = (launches: readonly LoggedLaunch[]): number =>
    median(launches.map(({releasedAt, decidedAt}) => releasedAt - decidedAt));
  const isEmpty = simulated.length === 0 || measured.length === 0;
  return {
    costModel: alone,
    contention: together === null ? null : together - (alone ?? 0),
    hostNs: isEmpty ? null : host(simulated) - host(measured),
    ...agreement(simulated, measured, names),
  };
}

/** How far two schedules are the same, and where they first part. */
export function agreement(
  simulated: readonly LoggedLaunch[],
  measured: readonly LoggedLaunch[],
  names: LaunchNames,
): Pick<Attribution, 'agreed' | 'divergence'> {
  const keyOf = ({lane}: LoggedLaunch): number => (names.lanesApart ? lane : 0);
  const sequences = group(simulated, keyOf);
  let same = 0;
  let compared = 0;
  let divergence: Attribution['divergence'] = null;
  for (const [key, launches] of group(measured, keyOf)) {
    const twins = sequences.get(key) ?? [];
    const shorter = Math.min(launches.length, twins.length);
    let n = 0;
    while (n < shorter && isSameDecision(twins[n], launches[n], names)) n++;
    same += n;
    compared += shorter;
    if (n === shorter || (divergence !== null && divergence.atNs <= launches[n].decidedAt)) continue;
    divergence = {
      launch: n,
      atNs: launches[n].decidedAt,
      simulated: describe(twins[n], names),
      measured: describe(launches[n], names),
    };
  }
  return {agreed: compared === 0 ? 1 : same / compared, divergence};
}

function isSameDecision(a: LoggedLaunch, b: LoggedLaunch, names: LaunchNames): boolean {
  return (
    a.size === b.size &&
    a.method === b.method &&
    a.steps === b.steps &&
    a.lane === b.lane &&
    a.members === b.members &&
    names.kernel(a) === names.kernel(b)
  );
}

function describe(launch: LoggedLaunch, names: LaunchNames): string {
  const {size, method, steps, lane, decidedAt} = launch;
  const run = steps === 1 ? '' : ` and ${steps - 1} more`;
  return `${size} of ${names.kernel(launch)}${run} ${methods[method]} on lane ${lane} at ${(decidedAt / 1e3).toFixed(1)} us`;
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? NaN : sorted[sorted.length >> 1];
}
