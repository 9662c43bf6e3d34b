// Interference and crowding, found again in co-runs that were simulated with known ones.
import {describe, expect, test} from 'vitest';
import {CrowdLatencies, coRunModels, crowdSpec} from '../../src/experiment/calibrationCoRuns.ts';
import type {CoRun} from '../../src/experiment/calibrationCoRuns.ts';
import {fitCrowding} from '../../src/experiment/calibrationCrowding.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {simulateRun} from '../../src/experiment/simulate.ts';
import {parseProfile} from '../../src/profile/profile.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import {findModel} from '../../src/workload/models/zoo.ts';

const v100 = readProfile('v100');
const source = 'calibration';
const quantity = (value: number) => ({value, source});
const affine = (fixed_ns: number, per_member_ns: number) => ({fixed_ns, per_member_ns, source});
/** A host fast enough to keep the device busy, without which lanes hardly meet. */
const base: DeviceProfile = {
  ...v100,
  sources: {...v100.sources, [source]: {title: 'made up', licence: 'none'}},
  host: {
    ...v100.host,
    submit: {...v100.host.submit, single: affine(1000, 1000)},
    follow: {single: affine(0, 20)},
    decide_ns: quantity(1000),
  },
};
const withTerms = (interference: number, crowding: number): DeviceProfile => ({
  ...base,
  contention: {...base.contention, interference: quantity(interference), crowding: quantity(crowding)},
});

/** Two and three models, whose weights exceed the cache of a V100 many times even where there are two tenants. */
const models = ['resnet-18', 'vgg-16', 'bert-base-128'];

/** As a device with this profile would take; longer windows than the fit's. */
async function coRun(profile: DeviceProfile, names: readonly string[], replicas: number): Promise<CoRun> {
  const crowd = {models: names, replicas, batch: 1};
  let latencies: CrowdLatencies | undefined;
  await simulateRun(crowdSpec(crowd, {startNs: 10e6, endNs: 60e6}, 0), {
    profile,
    recorder: ({workbench, window}) => (latencies = new CrowdLatencies(workbench.tenants, window)),
  });
  return {...crowd, latencies: latencies!.means()};
}

async function coRuns(profile: DeviceProfile, mixed = true): Promise<CoRun[]> {
  const runs: CoRun[] = [];
  for (const replicas of [1, 2, 4])
    for (const model of models.slice(0, 2)) runs.push(await coRun(profile, [model], replicas));
  runs.push(await coRun(profile, models.slice(2), 1));
  if (mixed) runs.push(await coRun(profile, models, 1));
  return runs;
}

describe('co-runs of models', () => {
  test.for([
    [0, 1],
    [0.8, 1],
    [1.2, 0.6],
    [1.7, 0.25],
  ])(
    'show the interference %d and crowding %d that they were simulated with',
    async ([interference, crowding]) => {
      const {profile, fit} = (await fitCrowding(base, await coRuns(withTerms(interference, crowding))))!;
      expect(parseProfile(profile)).toEqual(profile);
      expect(profile.contention.interference.source).toBe('calibration');
      // The grid's own step is 0.1; what a model's kernels hide from each other is not seen any closer.
      expect(Math.abs(fit.after.interference - interference)).toBeLessThanOrEqual(0.11);
      if (interference > 0) expect(Math.abs(fit.after.crowding - crowding)).toBeLessThanOrEqual(0.17);
      expect(fit.train.after).toBeLessThan(0.02);
      expect(fit.train.after).toBeLessThanOrEqual(fit.train.before);
      expect(fit.test!.after).toBeLessThan(0.05);
    },
  );

  test('show what lies between two kernels by models alone whose weights do not stay in the cache', async () => {
    const device = withTerms(1.2, 0.6);
    const slower = {...device, launch: {...device.launch, step_gap_ns: quantity(900)}};
    const {profile, fit} = (await fitCrowding(device, await coRuns(slower, false)))!;
    expect(Math.abs(fit.stepGapNs! - 900)).toBeLessThan(50);
    expect(profile.launch.step_gap_ns).toEqual({value: fit.stepGapNs, source});
    expect(fit.test).toBe(null);
    expect(fit.train.after).toBeLessThan(0.02);
  });

  test('whose weights stay in the cache are told, and fitted to nowhere', async () => {
    const small = [await coRun(base, ['lstm-512'], 1), await coRun(base, ['lstm-512'], 2)];
    expect(await fitCrowding(base, small)).toBe(null);
    const runs = await coRuns(base, false);
    const odd = small.map((run) => ({
      ...run,
      latencies: run.latencies.map((of) => ({...of, meanNs: 9 * of.meanNs})),
    }));
    const [found, besides] = [await fitCrowding(base, runs), await fitCrowding(base, [...runs, ...odd])];
    expect(besides!.profile).toEqual(found!.profile);
    const rows = besides!.fit.rows.filter(({model}) => model === 'lstm-512');
    expect(rows.map(({use}) => use)).toEqual(['cached', 'cached']);
    for (const {after} of rows) expect(after).toBeLessThan(-0.8);
  });

  test('say nothing without several tenants', async () => {
    const runs = await coRuns(base, false);
    const alone = runs.filter(({replicas}) => replicas === 1);
    expect(await fitCrowding(base, [])).toBe(null);
    expect(await fitCrowding(base, alone)).toBe(null);
  });

  test('are of known models, those that differ most first', () => {
    const own = {...findModel('vgg-16'), name: 'my-own'};
    const given = [own, ...['vgg-16', 'resnet-18', 'lstm-1024', 'resnet-50'].map(findModel)];
    expect(coRunModels(given, 3)).toEqual(['resnet-50', 'lstm-1024', 'vgg-16']);
  });
});
