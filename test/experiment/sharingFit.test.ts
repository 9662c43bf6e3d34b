// Terms of sharing, found again in co-runs that were simulated with known ones.
import {rollup, sum} from 'd3';
import {describe, expect, test} from 'vitest';
import {coRunSpec, equalMix, launchesOf} from '../../src/experiment/calibrationCoRuns.ts';
import type {CoRun, CoRunCell} from '../../src/experiment/calibrationCoRuns.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {programOf} from '../../src/experiment/modelKernels.ts';
import {fitSharing} from '../../src/experiment/sharingFit.ts';
import {simulateRun} from '../../src/experiment/simulate.ts';
import type {PreparedRun} from '../../src/experiment/simulate.ts';
import {LaunchLog} from '../../src/metrics/launchLog.ts';
import {slowdownBeside} from '../../src/scheduler/sharingTerms.ts';
import type {SharingTerms} from '../../src/scheduler/sharingTerms.ts';
import {parseProfile} from '../../src/profile/parseProfile.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import {kernelKey, methods} from '../../src/scheduler/kernel.ts';
import type {Model} from '../../src/workload/models/layer.ts';
import {yamlModel} from '../../src/workload/models/yamlModel.ts';
import {findModel} from '../../src/workload/models/zoo.ts';

const v100 = readProfile('v100');
const source = 'calibration';
const quantity = (value: number) => ({value, source});
const base: DeviceProfile = {
  ...v100,
  sources: {...v100.sources, [source]: {title: 'made up', licence: 'none'}},
  // No least time between starts: what lanes wait for then is no part of sharing.
  launch: {gap_ns: v100.launch.gap_ns, step_gap_ns: quantity(500)},
};
const withTerms = ({
  interference,
  crowding,
  crowdedInterference,
  mixing,
  coalesced,
}: SharingTerms): DeviceProfile => ({
  ...base,
  contention: {
    ...base.contention,
    interference: quantity(interference),
    crowding: quantity(crowding),
    crowded_interference: quantity(crowdedInterference),
    mixing: quantity(mixing),
    coalesced: quantity(coalesced),
  },
});

/** With exposures of a model's products in superkernels of a size. */
function withExposures(
  profile: DeviceProfile,
  known: readonly (readonly [model: string, size: number, exposure: number, pressure: number])[],
): DeviceProfile {
  const tables = known.flatMap(([model, size, exposure, pressure]) => {
    const products = programOf(findModel(model), 1).filter((kernel) => kernel.op === 'gemm');
    const unique = new Map(products.map((kernel) => [kernelKey(kernel), kernel]));
    return [...unique.values()].map(({m, n, k, count, dtype}) => ({
      source,
      m,
      n,
      k,
      count,
      dtype,
      method: size === 1 ? ('single' as const) : ('batched' as const),
      points: [[size, 1, exposure, pressure] as [number, number, number, number]],
    }));
  });
  return {...profile, measured_in_runs: tables};
}

const models = new Map(['resnet-18', 'resnet-50', 'bert-base-128'].map((name) => [name, findModel(name)]));
const window = {startNs: 20e6, endNs: 200e6};

/** As a device with this profile would take. */
async function coRun(
  profile: DeviceProfile,
  cell: CoRunCell,
  of: ReadonlyMap<string, Model> = models,
): Promise<CoRun> {
  const log = new LaunchLog(Math.round(profile.host.detect_ns.value));
  let run: PreparedRun | undefined;
  await simulateRun(coRunSpec(equalMix(profile, of, 1, 9), of, cell, window), {
    profile,
    recorder: (prepared) => {
      run = prepared;
      return log;
    },
  });
  const {tenants} = run!.workbench;
  const names = [...of.keys()];
  return {...cell, models: names, batch: 1, launches: launchesOf(log.inOrder(), tenants, names, window)};
}

const singles: CoRunCell[] = [0.5, 0.9].map((load) => ({policy: 'streams:host-threads=shared', load}));
const coalescing: CoRunCell[] = [
  {policy: 'greedy:lanes=3,run-ahead=16', load: 1.5},
  {policy: 'greedy:lanes=2,run-ahead=16', load: 1.5},
];

async function coRuns(terms: SharingTerms, cells: readonly CoRunCell[]): Promise<CoRun[]> {
  const runs: CoRun[] = [];
  for (const cell of cells) runs.push(await coRun(withTerms(terms), cell));
  return runs;
}

const usualTerms: SharingTerms = {
  interference: 1.2,
  crowding: 0.1,
  crowdedInterference: 0,
  mixing: 0,
  coalesced: 0.6,
};

/** How much longer launches take beside some pressure. */
const beside = (terms: SharingTerms, pressure: number): number => slowdownBeside(terms, 1, pressure) - 1;

describe('the fit of sharing', () => {
  test.for<SharingTerms>([
    {interference: 1, crowding: 0, crowdedInterference: 0, mixing: 0, coalesced: 1},
    {interference: 1.3, crowding: 0.1, crowdedInterference: 0, mixing: 0, coalesced: 0.6},
    {interference: 1.2, crowding: 1, crowdedInterference: 0.9, mixing: 0, coalesced: 0.8},
    {interference: 1.3, crowding: 0.5, crowdedInterference: 0.8, mixing: 0.5, coalesced: 0.7},
  ])('finds $interference, $crowding, $mixing and $coalesced again', async (terms) => {
    const {profile, fit} = fitSharing(base, await coRuns(terms, [...singles, ...coalescing]), models)!;
    expect(parseProfile(profile)).toEqual(profile);
    // Where exactly kernels lie within a launch is not seen.
    expect(Math.abs(beside(fit.after, 1) - beside(terms, 1))).toBeLessThan(0.1);
    expect(Math.abs(beside(fit.after, 3) - beside(terms, 3))).toBeLessThan(0.2);
    expect(Math.abs(fit.after.mixing - terms.mixing)).toBeLessThan(0.15);
    expect(Math.abs(fit.after.coalesced - terms.coalesced)).toBeLessThan(0.08);
    expect(fit.train.after).toBeLessThan(0.03);
    expect(fit.test!.after).toBeLessThan(0.03);
    expect(profile.contention.coalesced!.source).toBe(source);
  });

  test('tells what launches of models take that suffer more or less than others', async () => {
    const known: [model: string, size: number, exposure: number, pressure: number][] = [
      ['resnet-50', 1, 1.25, 0.8],
      ['resnet-18', 1, 0.8, 0.8],
      ['bert-base-128', 3, 0.9, 1.1],
    ];
    const runs: CoRun[] = [];
    for (const cell of [...singles, ...coalescing])
      runs.push(await coRun(withExposures(withTerms(usualTerms), known), cell));
    const {profile, fit} = fitSharing(withTerms(usualTerms), runs, models)!;
    expect(fit.test!.after).toBeLessThan(0.03);
    expect(fit.test!.after).toBeLessThan(fit.test!.before / 2);
    const found = (model: string) =>
      fit.kinds.find((each) => each.model === model && each.method === 'single' && each.size === 1)!;
    expect(found('resnet-50').exposure).toBeGreaterThan(found('resnet-18').exposure);
    // ResNet-18 presses less than what suffers so little would by itself.
    expect(found('resnet-18').pressure * found('resnet-18').exposure).toBeLessThan(0.9);
    const {measured_in_runs: tables} = parseProfile(profile);
    expect(tables!.map(({method}) => method)).toEqual(expect.arrayContaining(['single', 'batched']));
  });

  test('tells it of models of one’s own too, by the shapes of their products', async () => {
    const shape = {m: 256, n: 128, k: 1152};
    const rows = Array.from({length: 20}, () => Object.values(shape));
    const chain = yamlModel(JSON.stringify(rows), 'chain.yaml');
    // A scenario may name it as it likes, and as a known model, too.
    const own = new Map([
      ['lstm-16', chain],
      ['resnet-50', findModel('resnet-50')],
    ]);
    const runs: CoRun[] = [];
    for (const cell of [...singles, ...coalescing]) runs.push(await coRun(withTerms(usualTerms), cell, own));
    const {profile, fit} = fitSharing(base, runs, own)!;
    expect(fit.test!.after).toBeLessThan(0.03);
    const kinds = fit.kinds.filter(({model}) => model === 'lstm-16');
    expect(kinds.map(({method}) => method)).toEqual(expect.arrayContaining(['single', 'batched']));
    const tables = profile.measured_in_runs!.filter(
      ({m, n, k, count}) => m === shape.m && n === shape.n && k === shape.k && count === 1,
    );
    for (const {method, size, pace, exposure, pressure} of kinds) {
      const {points} = tables.find((table) => table.method === method)!;
      expect(points).toContainEqual([size, pace, exposure, pressure]);
    }
  });

  test('keeps the terms of lanes where what some runs show does not hold for the others', async () => {
    const runs = (await coRuns(usualTerms, [...singles, ...coalescing])).map((run, i): CoRun => {
      const launches = run.launches.map(
        ([model, kernel, steps, size, method, freeAt, finishedAt, ...rest]) => {
          // Every other run is what the fit learns of.
          const ends = i % 2 === 0 ? freeAt + 1.5 * (finishedAt - freeAt) : finishedAt;
          return [model, kernel, steps, size, method, freeAt, ends, ...rest] as const;
        },
      );
      return {...run, launches};
    });
    const given = withTerms(usualTerms);
    const {profile, fit} = fitSharing(given, runs, models)!;
    expect([fit.holds, fit.kinds, fit.after]).toEqual([false, [], fit.before]);
    expect(profile).toEqual(given);
  });

  test('divides what the law cannot tell evenly between runs, however many launches each has', async () => {
    const cells: CoRunCell[] = [0.6, 0.9].flatMap((load) => [
      {policy: 'streams:host-threads=shared', load},
      {policy: 'greedy:lanes=4,max-size=1,run-ahead=16', load},
    ]);
    const runs = (await coRuns(usualTerms, cells)).map((run): CoRun => {
      if (!run.policy.startsWith('streams')) return run;
      const launches = run.launches.map(
        ([model, kernel, steps, size, method, freeAt, finishedAt, ...rest]) => {
          const later = freeAt + 1.04 * (finishedAt - freeAt);
          return [model, kernel, steps, size, method, freeAt, later, ...rest] as const;
        },
      );
      return {...run, launches};
    });
    const {rows} = fitSharing(base, runs, models)!.fit;
    const offOf = (policy: string): number => {
      const of = rows.filter((row) => row.policy.startsWith(policy));
      return sum(of, ({measuredNs, after}) => measuredNs * after) / sum(of, ({measuredNs}) => measuredNs);
    };
    // Streams have a quarter of the launches.
    const [streams, greedy] = [offOf('streams'), offOf('greedy')];
    expect(greedy - streams).toBeGreaterThan(0.02);
    expect(Math.abs(greedy + streams)).toBeLessThan(0.008);
  });

  test('leaves the exposure of launches that coalesce as it was where there were none', async () => {
    const runs = await coRuns({...usualTerms, coalesced: 1}, singles);
    const {profile, fit} = fitSharing(base, runs, models)!;
    expect(Math.abs(beside(fit.after, 1) - 1.2 / 1.1)).toBeLessThan(0.1);
    expect(profile.contention.coalesced).toEqual(base.contention.coalesced);
  });

  test('shrugs off launches during which something else held the device', async () => {
    const [run] = await coRuns(
      {interference: 1.1, crowding: 0, crowdedInterference: 0, mixing: 0, coalesced: 1},
      singles.slice(1),
    );
    const held = run.launches.map(
      ([model, kernel, steps, size, method, freeAt, finishedAt, requests, tenant], i) =>
        [
          model,
          kernel,
          steps,
          size,
          method,
          freeAt,
          i % 200 === 0 ? finishedAt + 5e6 : finishedAt,
          requests,
          tenant,
        ] as const,
    );
    const {fit} = fitSharing(base, [{...run, launches: held}], models)!;
    expect(Math.abs(beside(fit.after, 1) - 1.1)).toBeLessThan(0.1);
  });

  test('gives a profile by which singles take what they took, however many follow each other in a launch', async () => {
    const cell = coalescing[1];
    const runs = await coRuns(usualTerms, [...singles, ...coalescing]);
    const {profile} = fitSharing(base, runs, models)!;
    // For each kernel of each member: how many there are is another matter. BERT's launches are of few or of many.
    const meanNs = ({launches}: CoRun): Map<string, number> =>
      rollup(
        launches.filter(([model]) => model < 2),
        (of) =>
          sum(of, ([, , , , , freeAt, finishedAt]) => finishedAt - freeAt) /
          sum(of, ([, , steps, size]) => steps * size),
        ([, , , size, method]) => `${Math.min(size, 3)} ${methods[method]}`,
      );
    const measured = meanNs(runs.at(-1)!);
    const simulated = meanNs(await coRun(profile, cell));
    for (const kind of ['1 single', '2 single', '3 single'])
      expect(Math.abs(simulated.get(kind)! / measured.get(kind)! - 1), kind).toBeLessThan(0.04);
  });

  test('has nothing to say without co-runs', () => {
    expect(fitSharing(base, [], models)).toBe(null);
  });
});
