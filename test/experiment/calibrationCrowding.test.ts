// Interference, crowding and precedence, found again in co-runs that were simulated with known ones.
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
const withTerms = (interference: number, crowding: number, precedence: number): DeviceProfile => ({
  ...base,
  contention: {
    ...base.contention,
    interference: quantity(interference),
    crowding: quantity(crowding),
    precedence: quantity(precedence),
  },
});

const models = ['mobilenet-v2', 'lstm-512', 'resnet-18'];
const pairs = [models.slice(0, 2), models.slice(1)];

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
    for (const model of models) runs.push(await coRun(profile, [model], replicas));
  if (!mixed) return runs;
  for (const pair of pairs) runs.push(await coRun(profile, pair, 2));
  runs.push(await coRun(profile, models, 1));
  return runs;
}

describe('co-runs of models', () => {
  test.for([
    [0, 1, 0],
    [0.8, 1, 0.2],
    [1.2, 0.6, 0.5],
    [1.7, 0.25, 0],
  ])(
    'show the interference %d, crowding %d and precedence %d that they were simulated with',
    async ([interference, crowding, precedence]) => {
      const runs = await coRuns(withTerms(interference, crowding, precedence));
      const {profile, fit} = (await fitCrowding(base, runs))!;
      expect(parseProfile(profile)).toEqual(profile);
      expect(profile.contention.interference.source).toBe('calibration');
      // The grid's steps are 0.1, 0.08 and 0.1; terms that stand in for each other are not seen that closely.
      expect(Math.abs(fit.after.interference - interference)).toBeLessThanOrEqual(0.21);
      expect(Math.abs(fit.after.precedence - precedence)).toBeLessThanOrEqual(0.21);
      if (interference > 0) expect(Math.abs(fit.after.crowding - crowding)).toBeLessThanOrEqual(0.34);
      expect(fit.train.after).toBeLessThan(0.02);
      expect(fit.train.after).toBeLessThanOrEqual(fit.train.before);
      expect(fit.test!.after).toBeLessThan(0.05);
    },
  );

  test('are compared with the same model alone: durations that are all wrong change nothing', async () => {
    const runs = await coRuns(withTerms(1.2, 0.6, 0), false);
    const slower = runs.map((run) => ({
      ...run,
      latencies: run.latencies.map((of) => ({...of, meanNs: 1.3 * of.meanNs})),
    }));
    const [found, scaled] = [await fitCrowding(base, runs), await fitCrowding(base, slower)];
    expect(Math.abs(scaled!.fit.after.interference - found!.fit.after.interference)).toBeLessThanOrEqual(
      0.11,
    );
    expect(found!.fit.test).toBe(null);
    for (const {measured, beside} of scaled!.fit.rows) {
      expect(measured).toBeGreaterThan(1);
      expect(beside).toHaveLength(1);
    }
  });

  test('say nothing without the models alone, or without several tenants', async () => {
    const runs = await coRuns(base, false);
    expect(await fitCrowding(base, [])).toBe(null);
    expect(
      await fitCrowding(
        base,
        runs.filter(({replicas}) => replicas === 1),
      ),
    ).toBe(null);
    expect(
      await fitCrowding(
        base,
        runs.filter(({replicas}) => replicas > 1),
      ),
    ).toBe(null);
  });

  test('are of known models, those that differ most first', () => {
    const own = {...findModel('vgg-16'), name: 'my-own'};
    const given = [own, ...['vgg-16', 'resnet-18', 'lstm-1024', 'resnet-50'].map(findModel)];
    expect(coRunModels(given, 3)).toEqual(['resnet-50', 'lstm-1024', 'vgg-16']);
  });
});
