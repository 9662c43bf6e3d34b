// A policy that breaks a rule is told: who, what, at which decision, when.
import {describe, expect, test} from 'vitest';
import {PolicyError} from '../../src/scheduler/errors.ts';
import {methods} from '../../src/scheduler/kernel.ts';
import type {PolicySetup, Situation} from '../../src/scheduler/policy.ts';
import type {ToyWorld} from '../support/rig.ts';
import {runToy} from '../support/rig.ts';

const batched = methods.indexOf('batched');
const single = methods.indexOf('single');

/** Three tenants with a ready kernel each at 0: classes 0, 0 and 1, with one more kernel behind. */
const world = {
  tenants: [
    {kernels: [0, 1], arrivals: [0]},
    {kernels: [0, 0], arrivals: [0]},
    {kernels: [1, 1], arrivals: [0]},
  ],
  durations: [100, 100],
};

const run = (
  decide: (situation: Situation) => void,
  setup: Partial<PolicySetup> = {},
  more: Partial<ToyWorld> = {},
) => runToy({...world, ...more, policy: {name: 'wrong', setup: {lanes: 2, ...setup}, decide}});

const broken: [string, (s: Situation) => void][] = [
  ['selected kernel 1, which is selected already', (s) => [1, 1].forEach((slot) => s.take(slot))],
  ['selected kernel 7, which is not ready', (s) => s.take(7)],
  [
    'selected kernel 0, which is not ready',
    (s) => {
      s.take(0);
      s.launch(0);
      s.take(0);
    },
  ],
  ['launched nothing: take kernels first', (s) => s.launch(0)],
  [
    'launched on lane 2 of 2',
    (s) => {
      s.take(0);
      s.launch(2);
    },
  ],
  [
    'launched on lane -1 of 2',
    (s) => {
      s.take(0);
      s.launch(-1);
    },
  ],
  [
    'launched on lane 1, which holds 1 launches already',
    (s) => {
      s.take(0);
      s.launch(1);
      s.take(1);
      s.launch(1);
    },
  ],
  ['took 1 kernels without launching them', (s) => s.take(0)],
  ['left 3 requests waiting with nothing in flight and no timer set', () => undefined],
  ['took more than 2 kernels for one launch', (s) => [0, 1, 2].forEach((slot) => s.take(slot))],
  [
    'launched kernels of different shapes as batched',
    (s) => {
      s.take(0);
      s.take(2);
      s.launch(0, batched);
    },
  ],
  [
    'padded kernels of different clusters to one shape',
    (s) => {
      s.take(0);
      s.take(2);
      s.launch(0);
    },
  ],
  [
    'launched 3 steps of a stream that has 2 kernels left',
    (s) => {
      s.take(0);
      s.launch(0, single, 3);
    },
  ],
  [
    'launched 2 steps of streams that differ after 1',
    (s) => {
      s.take(0);
      s.take(1);
      s.launch(0, batched, 2);
    },
  ],
  [
    'launched NaN steps (expected a whole number from 1)',
    (s) => {
      s.take(0);
      s.launch(0, single, NaN);
    },
  ],
  [
    'dropped stream 0, whose head is not ready',
    (s) => {
      s.take(0);
      s.launch(0);
      s.drop(0);
    },
  ],
  ['dropped a request of tenant0, which has none waiting', (s) => s.dropWaiting(0)],
  ['batched 1 requests of tenant1, which has 0 waiting', (s) => s.startBatch(1, 1)],
  ['formed a batch of no requests', (s) => s.startShared([0, 1], [0, 0])],
];

describe('a policy is at fault when it', () => {
  test.each(broken)('%s', (what, decide) => {
    const error = new PolicyError(`policy wrong ${what} (decision 1, at 0 ns)`);
    expect(() => run(decide, {}, {maxSize: 2})).toThrow(error);
  });
});

test('tells the decision and the time of a later fault', () => {
  const decide = (s: Situation): void => {
    const slot = s.ready.total > 0 ? s.ready.first(s.ready.nonEmpty[0]) : 9;
    s.take(slot);
    s.launch(0);
  };
  expect(() => run(decide, {}, {tenants: [{kernels: [0], arrivals: [40]}]})).toThrow(
    'policy wrong selected kernel 9, which is not ready (decision 1, at 0 ns)',
  );
  const once = (s: Situation): void => {
    if (s.ready.total > 0) s.take(s.ready.first(s.ready.nonEmpty[0]));
    if (s.taken > 0 && s.now < 500) s.launch(0);
  };
  expect(() => run(once, {}, {tenants: [{kernels: [0], arrivals: [40, 700]}]})).toThrow(
    'policy wrong took 1 kernels without launching them (decision 4, at 700 ns)',
  );
});
