// What ooo is for, as the simulator has it with a profile of a real GPU: crowds of equal kernels are answered as soon as under the
// best of the simpler policies, at the median and at the far end.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {quantile, rateAtLoad1, runCell} from '../../bench/policies/grid.ts';
import {makeMixes} from '../../bench/policies/mixes.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';

const rivals = [
  'greedy:lanes=2',
  'greedy:lanes=4',
  'greedy:lanes=2,max-size=60',
  'greedy:lanes=4,max-size=32',
];

describe('ooo beside its rivals, on an H200', () => {
  const folder = mkdtempSync(join(tmpdir(), 'superkernel-mixes-'));
  afterAll(() => rmSync(folder, {recursive: true}));
  const profile = readProfile('h200');
  const mixes = makeMixes(folder);

  test.for([
    // Nearly all that can be carried: by the largest launches, and where the host keeps up and the device is never idle.
    // At most so many times their p50 and p99: of the first, which has 95 % of what the device can do, whoever decides, and of the last,
    // whose larger shape's requests wait for each other, they are what a live H200 has, 1.10 and 1.16, and a seed's chance.
    ['256x128x1152', 33_000, 1.05, 1.15],
    ['512x1x512', 186_000, 0.92, 1.15],
    ['256x256x256', 57_000, 0.92, 1.15],
    ['256x128x1152 + 256x256x256', 25_000, 0.92, 1.15],
    ['256x128x1152 + 256x256x256', 33_000, 0.92, 1.25],
  ] as const)('%s, %d requests a second', async ([name, perSecond, p50, p99]) => {
    const mix = mixes.find((mix) => mix.name === name)!;
    const atLoad1 = await rateAtLoad1(mix, profile);
    const run = async (policy: string) => {
      const {all} = await runCell(mix, {
        profile,
        policy,
        load: perSecond / atLoad1,
        requests: 10_000,
        rateAtLoad1: atLoad1,
        replication: 0,
      });
      return {p50: quantile(all, 0.5), p99: quantile(all, 0.99)};
    };
    const ooo = await run('ooo');
    const others = await Promise.all(rivals.map(run));
    expect(ooo.p50 / Math.min(...others.map(({p50}) => p50))).toBeLessThan(p50);
    expect(ooo.p99 / Math.min(...others.map(({p99}) => p99))).toBeLessThan(p99);
  });
});
