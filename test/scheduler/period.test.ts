// Programs that repeat themselves, and where their launches end for it.
import {describe, expect, test} from 'vitest';
import {periodOf, stopEvery, wholePeriods} from '../../src/scheduler/period.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {prepareRun} from '../../src/experiment/simulate.ts';
import {runPolicy} from '../policies/run.ts';

/** A first kernel of its own, `times` layers of `kernels` different ones, and a last. */
const layered = (kernels: number, times: number): number[] => [
  90,
  ...Array.from({length: kernels * times}, (_, i) => i % kernels),
  91,
];

describe('a program', () => {
  test.for([
    ['layers', layered(12, 12), 12],
    ['layers of which sixteen kernels are a multiple anyway', layered(4, 12), 1],
    ['equal kernels', Array.from({length: 20}, () => 3), 1],
    ['too few layers', layered(12, 2), 1],
    ['layers that are too long', layered(25, 12), 1],
    ['different kernels', Array.from({length: 60}, (_, i) => i), 1],
    ['no kernels', [], 1],
  ] as const)('of %s', ([, classes, period]) => {
    expect(periodOf(classes)).toBe(period);
    const programs = new Programs();
    programs.add([1, 2, 3], [1, 1, 1]);
    const start = programs.add(
      classes,
      classes.map(() => 1),
    );
    expect(new Set(programs.periods.subarray(start, start + classes.length))).toEqual(
      new Set(classes.length > 0 ? [period] : []),
    );
  });

  test('of known models: BERT has layers of twelve, the others none', async () => {
    const names = ['bert-base-128', 'resnet-50', 'mobilenet-v2', 'vgg-16', 'lstm-1024'];
    const tenants = names.map((model) => ({name: model, model, slo: '10ms'}));
    const scenario = parseScenario(JSON.stringify({memory: false, tenants}), 'test');
    const spec = {scenario, policy: 'streams', load: null, replication: 0, directory: '.'};
    const {workbench} = await prepareRun(spec, readProfile('v100'));
    const {periods} = workbench.programs;
    expect(workbench.tenants.map((tenant) => periods[tenant.program(1)])).toEqual([12, 1, 1, 1, 1]);
  });
});

test('stops are the whole periods nearest to sixteen kernels', () => {
  expect([1, 3, 5, 6, 7, 11, 12, 18, 24].map(stopEvery)).toEqual([16, 15, 15, 18, 14, 11, 12, 18, 24]);
});

test('as many whole periods as fit, or what there is where none does', () => {
  expect([4, 11, 12, 30, Infinity].map((most) => wholePeriods(12, most))).toEqual([4, 11, 12, 24, Infinity]);
});

test('launches of streams that began at different times end in front of the same kernels', () => {
  const {launches} = runPolicy('greedy:lanes=1,run-ahead=16', {
    durations: Array.from({length: 92}, () => 1_000),
    tenants: [0, 2_500].map((at) => ({kernels: layered(12, 6), arrivals: [at]})),
  });
  // Of the first layer and what is in front of it 14 kernels, to the last but one of all.
  expect(launches[0].steps).toBe(2);
  const after = launches.filter(({steps}) => steps === 12);
  expect(after.length).toBeGreaterThan(3);
  expect(after.some(({size}) => size === 2)).toBe(true);
});
