// node dist/bench/policies.js --device NAME|FILE [--quick] [--mix NAME|TEXT] [--loads 0.05,0.5 | --rates 15000,25000]
//   [--policy ooo] [--rival P]... [--seeds N] [--requests N | --seconds S] [--live [--rounds N]] [--decide ooo=2.5us]...
//   [--launches FOLDER] [--json FILE] [--verbose]: is `ooo` everywhere at least as fast as the best of streams and greedy?
//
// Simulated, or with `--live` on the GPU at hand, for which `--device` has to be the profile; then all policies have their
// turns in rounds, with a part of the seeds in each, and each turn a process. Per mix, the loads are shares of what the best
// of the coalescing policies carries when overloaded; `--rates` names requests a second instead. Every policy meets the same
// arrivals; intervals (95 %) are over the seeds. `--decide` sets what a wake-up of the host costs under a policy by itself, its
// launches and members left out, in place of what the profile has measured: to see what a faster decision is worth before it is measured. `--rival` names who to compare with in
// place of the usual ones. `--launches` writes the launches of every cell and policy as JSON, one a line (LoggedLaunch).
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {parseArgs} from 'node:util';
import {estimate, geometricMean} from '../src/metrics/stats.ts';
import {quantile, rateAtLoad1} from './policies/grid.ts';
import type {Latencies} from './policies/grid.ts';
import {makeMixes} from './policies/mixes.ts';
import type {Mix} from './policies/mixes.ts';
import {haveTurn, profileOf} from './policies/turn.ts';
import type {Turn} from './policies/turn.ts';
import {formatTable, short} from './table.ts';

const {values} = parseArgs({
  options: {
    device: {type: 'string', default: 'v100'},
    quick: {type: 'boolean', default: false},
    mix: {type: 'string', default: ''},
    loads: {type: 'string', default: '0.05,0.2,0.5,0.8,0.95'},
    rates: {type: 'string'},
    policy: {type: 'string', default: 'ooo'},
    seeds: {type: 'string'},
    requests: {type: 'string'},
    seconds: {type: 'string'},
    decide: {type: 'string', multiple: true, default: []},
    live: {type: 'boolean', default: false},
    rounds: {type: 'string', default: '2'},
    rival: {type: 'string', multiple: true, default: []},
    json: {type: 'string'},
    launches: {type: 'string'},
    verbose: {type: 'boolean', default: false},
  },
});

const seeds = Number(values.seeds ?? (values.quick ? 3 : 5));
const requests = Number(values.requests ?? (values.quick ? 3000 : 10000));
/** A GPU is set up anew for a policy in each. */
const rounds = values.live ? Math.min(seeds, Number(values.rounds)) : 1;
/** Of a run: as many as are asked for, or as come in so many seconds. */
const requestsAt = (perSecond: number): number =>
  values.seconds === undefined ? requests : Math.round(perSecond * Number(values.seconds));
const contender = values.policy;
const usualRivals = [
  'streams:host-threads=shared',
  'streams:host-threads=shared,lanes=8',
  'streams:host-threads=shared,lanes=8,run-ahead=1',
  'greedy:lanes=1',
  'greedy:lanes=2',
  'greedy:lanes=4',
  'greedy:lanes=8',
  'greedy:lanes=2,max-size=60',
  'greedy:lanes=4,max-size=32',
];
/** For information: it batches requests of one tenant, which no kernel-level policy may, and has a thread per model. */
const beside = values.live ? [] : ['batcher'];
const rivals = values.rival.length > 0 ? values.rival : usualRivals;
/** What carries most is sought among these. */
const coalescing = ['greedy:lanes=1', 'greedy:lanes=2', 'greedy:lanes=4', contender];
/** A ratio counts as a loss when its interval is above 1, and it is above this itself. */
const tolerance = 1.02;

type Measure = (latencies: Latencies) => number;
/** Of the models' own quantiles, so that the most frequent one does not decide alone. */
const perModel =
  (p: number): Measure =>
  ({byModel}) =>
    geometricMean([...byModel.values()].map((of) => quantile(of, p)));
const measures: readonly (readonly [string, Measure])[] = [
  ['p50', ({all}) => quantile(all, 0.5)],
  ['p99', ({all}) => quantile(all, 0.99)],
  ['p50 by model', perModel(0.5)],
  ['p99 by model', perModel(0.99)],
];

const brief = (policy: string): string =>
  policy.replace('host-threads=shared,', '').replace(':host-threads=shared', '').replace('max-size', 'max');

const profile = profileOf(values);
const folder = mkdtempSync(join(tmpdir(), 'policies-'));
const columns = [
  'mix',
  'load',
  ...measures.slice(0, 2).flatMap(([m]) => [m, 'us', 'best']),
  ...measures.slice(2).map(([m]) => m),
  'batcher p50',
  'p99',
];
const losses: string[][] = [];
const data: unknown[] = [];
try {
  const mixes = makeMixes(folder);
  const exact = mixes.filter(({name}) => name === values.mix);
  for (const mix of exact.length > 0 ? exact : mixes.filter(({name}) => name.includes(values.mix)))
    await compare(mix);
} finally {
  rmSync(folder, {recursive: true});
}
console.log(seeds < 2 ? '\nno intervals, so no losses, of one seed' : `\n${losses.length} losses`);
if (losses.length > 0) console.log(formatTable(['mix', 'load', 'measure', 'ratio', 'to'], losses));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(data, null, 1)}\n`);

async function compare(mix: Mix): Promise<void> {
  const rate = await rateAtLoad1(mix, profile);
  const loads =
    values.rates !== undefined
      ? values.rates
          .split(',')
          .map((perSecond) => [`${short(Number(perSecond))}/s`, Number(perSecond)] as const)
      : await shares(mix, rate);
  const runs = new Map(loads.map(([name]) => [name, new Map<string, Latencies[]>()]));
  // A host that becomes slower meets every policy, as each has its turn several times, for a part of the seeds.
  for (let round = 0; round < rounds; round++)
    for (const policy of [contender, ...rivals, ...beside])
      await turnOf(policy, mix, round, loads, rate, runs);
  console.log(
    formatTable(
      columns,
      loads.map(([name]) => row(mix, name, runs.get(name)!)),
    ),
  );
}

/** The runs of a policy in a round, at all loads; a GPU is set up once for them. */
async function turnOf(
  policy: string,
  mix: Mix,
  round: number,
  loads: readonly (readonly [string, number])[],
  rate: number,
  runs: ReadonlyMap<string, Map<string, Latencies[]>>,
): Promise<void> {
  const replications = Array.from({length: seeds}, (_, i) => i).filter((i) => i % rounds === round);
  const isAsked = values.live && round === 0 && coalescing.includes(policy);
  const {latencies, carried} = await haveTurn(
    {
      ...base(mix, policy, rate),
      isLive: values.live,
      loads: loads.map(([name, perSecond]) => ({name, perSecond, requests: requestsAt(perSecond)})),
      replications,
      atOnce: isAsked ? requests : 0,
      ...(values.launches !== undefined && {launches: values.launches}),
    },
    mix,
    profile,
  );
  if (carried !== null) console.log(`   ${brief(policy)} carries ${short(carried)} requests/s`);
  for (const [i, [name]] of loads.entries()) {
    const of = runs.get(name)!.get(policy) ?? [];
    runs.get(name)!.set(policy, of);
    for (const [at, replication] of replications.entries()) of[replication] = latencies[i][at];
    if (values.verbose && round === rounds - 1) console.log(describe(name, policy, of));
  }
}

/** What all turns of a policy with a mix have in common. */
function base(
  mix: Mix,
  policy: string,
  rateAtLoad1: number,
): Pick<Turn, 'device' | 'decide' | 'mix' | 'policy' | 'rateAtLoad1'> {
  const {device, decide} = values;
  return {device, decide, mix: mix.name, policy, rateAtLoad1};
}

function describe(load: string, policy: string, of: readonly Latencies[]): string {
  const us = (measure: Measure): string => short(geometricMean(of.map(measure)) / 1e3);
  const figures = measures.map(([name, measure]) => `${name} ${us(measure)}`);
  const models = [...of[0].byModel.keys()].toSorted();
  const each = models.map((model) => {
    const at = (p: number): string => us(({byModel}) => quantile(byModel.get(model)!, p));
    return `${basename(model, '.yaml')} ${at(0.5)}, ${at(0.99)}`;
  });
  const byModel = models.length > 1 ? `  (p50, p99: ${each.join('; ')})` : '';
  return `   ${load} ${brief(policy).padEnd(26)} ${figures.join('  ')}${byModel}`;
}

/** Requests a second that a policy serves of those that all arrive at once, simulated. */
async function carriedBy(policy: string, mix: Mix, rate: number): Promise<number> {
  const turn = {...base(mix, policy, rate), isLive: false, loads: [], replications: [], atOnce: requests};
  return (await haveTurn(turn, mix, profile)).carried!;
}

/** The loads as they are called, with requests a second: shares of what the best of the coalescing policies carries. */
async function shares(mix: Mix, rate: number): Promise<(readonly [string, number])[]> {
  const carried: [number, string][] = [];
  for (const policy of coalescing) carried.push([await carriedBy(policy, mix, rate), policy]);
  const most = Math.max(...carried.map(([n]) => n));
  console.log(
    `\n${mix.name}: carries ${short(most)} requests/s (${carried.map(([n, p]) => `${brief(p)} ${short(n)}`).join(', ')})`,
  );
  return values.loads
    .split(',')
    .map((share) => [`${Math.round(100 * Number(share))} %`, Number(share) * most] as const);
}

/** The ratios of one load, each against the rival that is best by that measure on average. */
function row(mix: Mix, load: string, runs: ReadonlyMap<string, readonly Latencies[]>): string[] {
  const own = runs.get(contender)!;
  const cells = [mix.name, load];
  const record: Record<string, unknown> = {mix: mix.name, load};
  for (const [i, [name, measure]] of measures.entries()) {
    const [, best] = rivals
      .map((policy) => [geometricMean(runs.get(policy)!.map(measure)), policy] as const)
      .toSorted(([a], [b]) => a - b)[0];
    const logs = runs.get(best)!.map((rival, seed) => Math.log(measure(own[seed]) / measure(rival)));
    const {mean, half_width} = estimate(logs);
    const halfWidth = half_width ?? Infinity;
    const ratio = Math.exp(mean);
    const text = `${ratio.toFixed(2)} ±${half_width === null ? '?' : (ratio * halfWidth).toFixed(2)}`;
    cells.push(text);
    if (i < 2) cells.push(short(geometricMean(own.map(measure)) / 1e3), brief(best));
    record[name] = {ratio, halfWidth, best, ns: own.map(measure)};
    if (ratio > tolerance && mean - halfWidth > 0) losses.push([mix.name, load, name, text, brief(best)]);
  }
  const batcher = runs.get('batcher');
  for (const [, measure] of measures.slice(0, 2))
    cells.push(
      batcher === undefined
        ? '–'
        : (geometricMean(own.map(measure)) / geometricMean(batcher.map(measure))).toFixed(2),
    );
  data.push(record);
  return cells;
}
