// Forms of sharing against runs made by one of them.
import {describe, expect, test} from 'vitest';
import {compareForms, fitInterference, speedups} from '../../../src/experiment/laneFit.ts';
import {readProfile} from '../../../src/experiment/profileFiles.ts';
import type {Work} from '../../../src/gpu/calibration/work.ts';
import type {LaneRun} from '../../../src/gpu/calibration/lanes.ts';
import {costModel} from '../../../src/profile/costModel.ts';
import {shareRates} from '../../../src/sim/sharing.ts';

const costs = costModel(readProfile('v100'));
/** From some percent of the device to more than half of it. */
const works = [64, 256, 1024].map((m): Work => ({
  kernel: {op: 'gemm', m, n: 64, k: 512, count: 1, dtype: 'fp32'},
  size: 1,
  method: 'single',
}));

/** What the simulator's own sharing makes of lanes with these works. */
function simulated(chosen: readonly Work[], interference: number, coalesced = 1): LaneRun {
  const share = (of: 'smShare' | 'bandwidthShare'): Float64Array =>
    Float64Array.from(chosen, ({kernel, size, method}) => costs[of](kernel, size, method));
  const rate = new Float64Array(chosen.length);
  const lanes = Int32Array.from(chosen, (_, i) => i);
  shareRates(
    chosen.length,
    lanes,
    share('smShare'),
    share('bandwidthShare'),
    Float64Array.from(chosen, ({method}) => (method === 'single' ? 1 : coalesced)),
    {interference, crowding: 1},
    rate,
  );
  return {
    works: chosen,
    perLaunchNs: chosen.map(({kernel, size, method}, i) => costs.durationNs(kernel, size, method) / rate[i]),
  };
}

const runs = (interference: number): LaneRun[] => [
  ...works.map((work) => simulated([work], interference)),
  ...[2, 4, 8].flatMap((count) =>
    works.map((work) => simulated(Array<Work>(count).fill(work), interference)),
  ),
  simulated([works[0], works[1]], interference),
  simulated([works[0], works[2]], interference),
  simulated(works, interference),
];

describe('lane fits', () => {
  test.for([0, 0.2, 0.5])('find the interference %d that the simulator shares by', (interference) => {
    expect(fitInterference(costs, runs(interference))!.interference).toBeCloseTo(interference, 6);
    const found = compareForms(costs, runs(interference));
    const own = found.find(({form}) => form === 'as simulated, shares of the profile')!;
    expect(own.p90).toBeLessThan(1e-9);
    for (const {median} of found) expect(median).toBeGreaterThanOrEqual(own.median - 1e-12);
  });

  test('tell apart what interference is for launches that coalesce', () => {
    const batches = works.map((work): Work => ({...work, size: 2, method: 'batched'}));
    const all = [...works, ...batches];
    const mixed = all.flatMap((a, i) => all.slice(i).map((b) => simulated([a, b], 0.6, 0.5)));
    const fit = fitInterference(costs, [...all.map((work) => simulated([work], 0)), ...mixed])!;
    expect(fit.coalesced).toBeCloseTo(0.5, 6);
    expect(fitInterference(costs, runs(0.5))!.coalesced).toBe(null);
  });

  test('have nothing to say without runs of several lanes', () => {
    expect(
      fitInterference(
        costs,
        works.map((work) => simulated([work], 0)),
      ),
    ).toBe(null);
  });

  test('speed-up is the throughput of all lanes over that of one', () => {
    const alone: LaneRun = {works: [works[0]], perLaunchNs: [100]};
    const both: LaneRun = {works: [works[0], works[0]], perLaunchNs: [125, 200]};
    expect(speedups([alone, both])).toMatchObject([{lanes: 2, speedup: 100 / 125 + 100 / 200}]);
  });
});
