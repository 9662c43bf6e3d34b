// The device's front end: kernels start no closer to each other than the profile says.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {runToy} from '../support/rig.ts';
import type {ToyResult} from '../support/rig.ts';
import type {Policy} from '../../src/scheduler/policy.ts';

/** Keeps every lane full: `depth` launches of one kernel each. */
const full = (lanes: number, depth: number, sharing: 'one-context' | 'mps' | 'dedicated'): Policy => ({
  name: 'full',
  setup: {lanes, depth, sharing},
  decide(s) {
    for (let lane = 0; lane < lanes; lane++) {
      while (s.lanes.outstanding[lane] < depth && s.ready.total > 0) {
        s.take(s.ready.first(s.ready.nonEmpty[0]));
        s.launch(lane);
      }
    }
  },
});

interface Saturated {
  lanes: number;
  depth: number;
  kernelNs: number;
  startIntervalNs: number;
  sharing?: 'one-context' | 'mps' | 'dedicated';
  gapNs?: number;
}

function saturated(options: Saturated): ToyResult {
  const {lanes, depth, kernelNs, startIntervalNs, sharing = 'one-context', gapNs = 0} = options;
  return runToy({
    policy: full(lanes, depth, sharing),
    tenants: [{kernels: [0, 0], loop: {outstanding: 2 * lanes * depth, thinkNs: () => 0}}],
    durations: [kernelNs],
    smShare: 1 / 64,
    device: {startIntervalNs, gapNs},
    limit: 400 * Math.max(kernelNs, startIntervalNs),
  });
}

const startsOf = ({launches}: ToyResult): number[] =>
  launches.map(({startedAt}) => startedAt).sort((a, b) => a - b);

/** Launches started per ns, once the lanes are full. */
function startRate(result: ToyResult): number {
  const starts = startsOf(result);
  const tail = starts.slice(starts.length >> 2);
  return (tail.length - 1) / (tail.at(-1)! - tail[0]);
}

const load = fc.record({
  lanes: fc.integer({min: 1, max: 8}),
  depth: fc.integer({min: 1, max: 3}),
  kernelNs: fc.integer({min: 200, max: 8000}),
  startIntervalNs: fc.integer({min: 100, max: 3000}),
});

describe('the front end of a GPU', () => {
  test.prop([load], {numRuns: 40})('starts no two kernels closer than its interval', (options) => {
    const starts = startsOf(saturated(options));
    for (let i = 1; i < starts.length; i++) {
      expect(starts[i] - starts[i - 1]).toBeGreaterThanOrEqual(options.startIntervalNs);
    }
  });

  test.prop([load], {numRuns: 40})(
    'lets saturated lanes start as many kernels as they would, but no more than one an interval',
    (options) => {
      const {lanes, kernelNs, startIntervalNs} = options;
      const expected = Math.min(lanes / kernelNs, 1 / startIntervalNs);
      const rate = startRate(saturated(options));
      expect(Math.abs(rate / expected - 1)).toBeLessThan(0.03);
    },
  );

  test('serves the lanes in turn', () => {
    const {launches} = saturated({lanes: 5, depth: 2, kernelNs: 500, startIntervalNs: 1000});
    const counts = [0, 0, 0, 0, 0];
    for (const {lane} of launches) counts[lane]++;
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
  });

  test('delays a kernel only behind those that started just before', () => {
    const {launches} = runToy({
      policy: full(3, 1, 'one-context'),
      tenants: [{kernels: [0], arrivals: [0, 0, 10_000]}],
      durations: [5000],
      smShare: 0.1,
      device: {startIntervalNs: 2000},
    });
    expect(launches.map(({startedAt}) => startedAt)).toEqual([0, 2000, 10_000]);
  });

  test('counts every step of a launch', () => {
    const {launches} = runToy({
      policy: {
        name: 'two steps',
        setup: {lanes: 2},
        decide(s) {
          for (let lane = s.lanes.idle(); lane >= 0 && s.ready.total > 0; lane = s.lanes.idle()) {
            s.take(s.ready.first(s.ready.nonEmpty[0]));
            s.launch(lane, -1, 2);
          }
        },
      },
      tenants: [{kernels: [0, 0], arrivals: [0, 0]}],
      durations: [1000],
      smShare: 0.1,
      device: {startIntervalNs: 700},
    });
    // First steps at 0 and 700, second ones at 1400 and 2100.
    expect(launches.map(({finishedAt}) => finishedAt)).toEqual([2400, 3100]);
  });

  test('is one for each device where lanes have devices of their own', () => {
    const {launches} = saturated({
      lanes: 4,
      depth: 1,
      kernelNs: 500,
      startIntervalNs: 1000,
      sharing: 'dedicated',
    });
    expect(launches.slice(0, 4).map(({startedAt}) => startedAt)).toEqual([0, 0, 0, 0]);
  });
});
