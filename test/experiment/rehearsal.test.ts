// A rehearsal before a live run: short, on its own, and silent.
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {crowded, rehearse} from '../../src/experiment/rehearsal.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {prepareRun, simulateRun} from '../../src/experiment/simulate.ts';
import type {RunSpec} from '../../src/experiment/simulate.ts';

const profile = readProfile('v100');

const specOf = (duration: string, policy: string): RunSpec => ({
  scenario: parseScenario(
    JSON.stringify({
      duration,
      memory: false,
      tenants: [
        {name: 'a', model: 'resnet-18', slo: '100ms', arrivals: {process: 'poisson', rate: 50}, replicas: 4},
        {name: 'b', model: 'resnet-18', slo: '100ms', arrivals: {process: 'saturated', outstanding: 2}},
      ],
    }),
    'test',
  ),
  policy,
  load: null,
  replication: 0,
  directory: '.',
});

/** How often a rehearsal asked whether to stop, which the `last` time it was told. */
async function looksOf(spec: RunSpec, last = Infinity): Promise<number> {
  let looks = 0;
  await rehearse(spec, profile, () => ++looks >= last);
  return looks;
}

describe('a rehearsal', () => {
  test('is a part of a long run', async () => {
    const begin = performance.now();
    expect(await looksOf(specOf('10min', 'greedy'))).toBeGreaterThan(2);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  test('meets requests that are late, which the run may not', async () => {
    const attained = async (spec: RunSpec): Promise<number> => {
      const {tenants} = await simulateRun(spec, {profile});
      return tenants.reduce((sum, {slo_attainment}) => sum + slo_attainment!, 0) / tenants.length;
    };
    const spec = specOf('300ms', 'ooo');
    expect(await attained(spec)).toBeGreaterThan(0.9);
    expect(await attained(crowded(spec))).toBeLessThan(0.5);
  });

  test('ends where the run is to stop', async () => {
    expect(await looksOf(specOf('10min', 'greedy'), 1)).toBe(1);
    expect(await looksOf(specOf('10min', 'greedy'), 3)).toBe(3);
  });

  test.for(['ooo', 'evict(slo)', 'batcher'])('of %s leaves the run as it was', async (policy) => {
    const spec = specOf('300ms', policy);
    const run = await prepareRun(spec, profile);
    const {classes, programs} = run.workbench;
    const before = [run.arrivals.nextAt(), classes.size, programs.classes.length];
    const alone = await simulateRun(spec, {profile});
    await rehearse(spec, profile);
    expect([run.arrivals.nextAt(), classes.size, programs.classes.length]).toEqual(before);
    expect(await simulateRun(spec, {profile})).toEqual(alone);
  });

  test('leaves it to the run to tell what is wrong', async () => {
    await expect(rehearse(specOf('300ms', 'greddy'), profile)).resolves.toBeUndefined();
  });
});
