// The simulated form of sharing against runs made by it.
import {describe, expect, test} from 'vitest';
import {fitInterference, sharingResiduals, speedups} from '../../../src/experiment/laneFit.ts';
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
function simulated(chosen: readonly Work[], interference: number): LaneRun {
  const rate = new Float64Array(chosen.length);
  const share = Float64Array.from(chosen, ({kernel, size, method}) =>
    Math.max(costs.smShare(kernel, size, method), costs.bandwidthShare(kernel, size, method)),
  );
  shareRates(
    chosen.length,
    Int32Array.from(chosen.keys()),
    {
      share,
      exposure: Float64Array.from(chosen, () => 1),
      pressure: share,
      coalesces: new Uint8Array(chosen.length),
      holds: new Uint8Array(chosen.length),
    },
    {
      interference,
      crowding: costs.profile.contention.crowding?.value ?? 0,
      crowdedInterference: 0,
      mixing: 0,
    },
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
  test.for([0, 0.4, 1.2])('find the interference %d that the simulator shares by', (interference) => {
    const found = fitInterference(costs, runs(interference))!;
    expect(found).toBeCloseTo(interference, 6);
    const {profile} = costs;
    const contention = {...profile.contention, interference: {value: found, source: 'made-up'}};
    const groups = sharingResiduals(costModel({...profile, contention}), runs(interference));
    expect(groups.map(({group}) => group)).toContain('mixed lanes');
    for (const {p90} of groups) expect(p90).toBeLessThan(1e-9);
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
