// The figures on the v100 profile: laws that hold whatever the profile’s numbers are, few points and short runs.
import {describe, expect, test} from 'vitest';
import {figures, findFigure} from '../../../src/experiment/figures/figures.ts';
import {makeFigure} from '../../../src/experiment/figures/definition.ts';
import {kernelChoices, withKernel} from '../../../src/experiment/figures/kernelChoice.ts';
import {gemmPolicies, gemmSchemes} from '../../../src/experiment/figures/schemes.ts';
import {simulatedSource} from '../../../src/experiment/figures/simulatedSource.ts';
import {findChange} from '../../../src/experiment/figures/variations.ts';
import {readProfile} from '../../../src/experiment/profileFiles.ts';
import {findPolicy} from '../../../src/policies/table.ts';
import {resolvePolicy} from '../../../src/policies/syntax.ts';
import {ratioOf} from '../../../src/report/figures/figure.ts';
import type {Figure} from '../../../src/report/figures/figure.ts';

const profile = readProfile('v100');
const source = simulatedSource(profile);
const quick = {quick: true};
const shapes = [
  {m: 512, n: 1, k: 512},
  {m: 256, n: 128, k: 1152},
  {m: 256, n: 256, k: 256},
];

const ours = ({comparisons}: Figure, quantity: string): number => {
  const found = comparisons.find((comparison) => comparison.quantity === quantity);
  if (found?.ours === undefined || found.ours === null) throw new Error(`no ${quantity}`);
  return found.ours;
};

describe('saturated tenants', () => {
  const flopsOf = async (
    shape: (typeof shapes)[number],
    tenants: number,
    scheme: (typeof gemmSchemes)[number],
  ): Promise<number> => (await source.saturated({shape, tenants, scheme}))!.flops;

  test.each(shapes)(
    'of $m x $n x $k: time-only < streams of one thread < best of coalescing < peak',
    async (shape) => {
      const time = await flopsOf(shape, 120, 'time-only');
      const space = await flopsOf(shape, 120, 'space-one-thread');
      const coalesced = await flopsOf(shape, 120, 'coalescing-best');
      expect(space).toBeGreaterThan(time);
      expect(coalesced).toBeGreaterThan(space);
      expect(coalesced).toBeLessThan(source.peakFlops);
    },
  );

  test.each(shapes)(
    'of $m x $n x $k: time-only < best of space-only < best of coalescing, as superkernels reach larger tiles',
    async (shape) => {
      const space = await flopsOf(shape, 120, 'space-only');
      expect(space).toBeGreaterThan(await flopsOf(shape, 120, 'time-only'));
      expect(await flopsOf(shape, 120, 'coalescing-best')).toBeGreaterThan(space);
    },
  );

  test.each(shapes)(
    'of $m x $n x $k: time-only is slower than space-only with few tenants as well',
    async (shape) => {
      for (const tenants of [2, 10, 40]) {
        const time = await flopsOf(shape, tenants, 'time-only');
        expect(await flopsOf(shape, tenants, 'space-only')).toBeGreaterThan(time);
        expect(await flopsOf(shape, tenants, 'coalescing-best')).toBeGreaterThan(time);
      }
    },
  );

  test('kernels that take the device less time than one thread to submit them gain by coalescing in one launch', async () => {
    for (const shape of [shapes[0], shapes[2]]) {
      for (const tenants of [20, 40, 120]) {
        const coalesced = await flopsOf(shape, tenants, 'coalescing-1');
        expect(coalesced).toBeGreaterThan(await flopsOf(shape, tenants, 'space-one-thread'));
      }
    }
  });

  test('the best of coalescing coalesces: its superkernels hold two tenants at least', () => {
    for (const tenants of [2, 5, 120]) {
      const sizes = gemmPolicies('coalescing-best', tenants).map((policy) => +policy.split('max-size=')[1]);
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2);
    }
  });

  test('a scheme of several policies is as good as its best, and names it', async () => {
    const question = {shape: shapes[1], tenants: 20};
    const best = (await source.saturated({...question, scheme: 'space-only'}))!;
    const one = (await source.saturated({...question, scheme: 'space-one-thread'}))!;
    expect(best.flops).toBeGreaterThanOrEqual(one.flops);
    expect(gemmPolicies('space-only', 20)).toContain(best.policy);
  });

  test('time-only gives the same throughput to any number of tenants', async () => {
    const flops = async (tenants: number): Promise<number> =>
      (await source.saturated({shape: shapes[2], tenants, scheme: 'time-only'}))!.flops;
    expect((await flops(60)) / (await flops(4))).toBeCloseTo(1, 1);
  });

  test('every scheme is made of policies that exist', () => {
    for (const scheme of gemmSchemes) {
      for (const tenants of [1, 2, 120]) {
        for (const policy of gemmPolicies(scheme, tenants))
          expect(() => resolvePolicy(policy, findPolicy)).not.toThrow();
      }
    }
  });

  test('MPS is not asked for more clients than it takes', () => {
    expect(gemmPolicies('space-only', 48).some((policy) => policy.startsWith('mps'))).toBe(true);
    expect(gemmPolicies('space-only', 49).some((policy) => policy.startsWith('mps'))).toBe(false);
  });
});

describe('replicas of a model', () => {
  test('exclusive batching is fastest and time multiplexing slowest', async () => {
    const figure = await makeFigure(findFigure('multiplexing'), source, quick);
    const time = ours(figure, 'time multiplexing over exclusive batched');
    const space = ours(figure, 'space multiplexing (MPS) over exclusive batched');
    expect(space).toBeGreaterThan(1);
    expect(time).toBeGreaterThan(space);
  });

  test('tenants under MPS are equal where the profile’s spread is none, and unequal otherwise', async () => {
    const question = {model: 'mobilenet-v2', count: 6, scheme: 'mps', draw: 1} as const;
    const gap = (latencies: number[] | null): number => Math.max(...latencies!) / Math.min(...latencies!);
    const equal = simulatedSource(profile, {change: findChange('no-spread')});
    expect(gap(await equal.replicas(question))).toBeCloseTo(1, 2);
    expect(gap(await source.replicas(question))).toBeGreaterThan(1.01);
  });

  test('what does not fit in memory has no latency', async () => {
    const question = {model: 'resnet-50', count: 60, scheme: 'mps', draw: 0} as const;
    const {total, capacity} = source.memoryUse(question);
    expect(total).toBeGreaterThan(capacity);
    expect(await source.replicas(question)).toBeNull();
  });

  test('the memory wall is where runs begin to be refused', async () => {
    const {comparisons} = await makeFigure(findFigure('memory-wall'), source, quick);
    const most = comparisons.find(({quantity}) => quantity.startsWith('time'))!.ours!;
    const run = (count: number) => source.replicas({model: 'resnet-50', count, scheme: 'time', draw: 0});
    expect(await run(most)).toHaveLength(most);
    expect(await run(most + 1)).toBeNull();
  });
});

describe('batches', () => {
  test('the largest batch within the SLO is within it, and the next one is not', async () => {
    const figure = await makeFigure(findFigure('batching'), source, quick);
    const largest = ours(figure, 'largest batch within 100 ms');
    const latency = async (batch: number): Promise<number> =>
      (await source.batchLatency({model: 'resnet-50', batch}))!.latencyNs;
    expect(await latency(largest)).toBeLessThanOrEqual(100e6);
    expect(await latency(largest + 1)).toBeGreaterThan(100e6);
  });
});

describe('kernel choice', () => {
  test('the greedy kernel is best alone and the collaborative one best in company', async () => {
    const few = {...source, kernels: () => kernelChoices(profile).filter(({launch}) => launch === 'batched')};
    // Methods of a class are not copied by a spread.
    const chosen = Object.assign(Object.create(source) as typeof source, few);
    const {rows, comparisons} = await makeFigure(findFigure('tuning'), chosen, quick);
    const flops = (tenants: number): number[] =>
      rows.filter((row) => row[4] === tenants).map((row) => row[5] as number);
    const value = (quantity: string): number => comparisons.find((each) => each.quantity === quantity)!.ours!;
    expect(value('greedy kernel, alone')).toBe(Math.max(...flops(1)));
    expect(value('collaborative kernel, multiplexed')).toBe(Math.max(...flops(16)));
  });

  test('a profile with one kernel keeps everything else', () => {
    const [kernel] = kernelChoices(profile);
    const {gemm, ...rest} = withKernel(profile, kernel);
    expect(gemm.fp32!.single.tiles.map(({name}) => name)).toEqual([kernel.tile]);
    expect(rest).toMatchObject({hardware: profile.hardware, host: profile.host});
    expect(() => withKernel(profile, {launch: 'single', tile: '1x1', splits: 1})).toThrow(
      'unknown tile of v100: 1x1 (expected one of its single kernels)',
    );
  });
});

describe('variations', () => {
  test('a host that costs nothing never lowers the throughput of one at a time', async () => {
    const free = simulatedSource(profile, {change: findChange('no-host')});
    const question = {shape: shapes[2], tenants: 8, scheme: 'one-at-a-time'} as const;
    expect((await free.saturated(question))!.flops).toBeGreaterThan(
      (await source.saturated(question))!.flops,
    );
  });

  test('a variation leaves the profile it was given as it was', () => {
    const before = JSON.stringify(profile);
    for (const name of ['no-switch', 'no-spread', 'contexts-2x', 'contention-2x', 'framework-host'])
      simulatedSource(profile, {change: findChange(name)});
    expect(JSON.stringify(profile)).toBe(before);
  });

  test('an unknown one is named with the nearest', () => {
    expect(() => findChange('no-hots')).toThrow('unknown variation: no-hots; did you mean "no-host"?');
  });
});

describe('the table of figures', () => {
  test('names are unique, and an unknown one is answered with the nearest', () => {
    expect(new Set(figures.map(({name}) => name)).size).toBe(figures.length);
    expect(() => findFigure('coalesing')).toThrow('unknown figure: coalesing; did you mean "coalescing"?');
    expect(() => findFigure('zzzzzzzz')).toThrow(/^unknown figure: zzzzzzzz \(known: complexity, batching, /);
  });

  test('the same figure comes out twice', async () => {
    for (const name of ['mps-tenants', 'clusters']) {
      const first = await makeFigure(findFigure(name), source, quick);
      expect(await makeFigure(findFigure(name), source, quick)).toEqual(first);
    }
  });

  test('ratios are those of the data', async () => {
    const {rows, comparisons} = await makeFigure(findFigure('engines'), source, quick);
    comparisons.forEach((comparison, i) => {
      const [, , published, predicted] = rows[i] as number[];
      expect(comparison.published!.value).toBe(published);
      expect(ratioOf(comparison)).toBeCloseTo(predicted / published, 12);
    });
  });

  test('a speed-up is the geometric mean of the throughputs in the data', async () => {
    const {rows, columns, comparisons} = await makeFigure(findFigure('coalescing'), source, quick);
    const [m, tenants, scheme, flops] = ['m', 'tenants', 'scheme', 'tflop_per_s'].map((name) =>
      columns.indexOf(name),
    );
    const at = (name: string): number[] =>
      rows.filter((row) => row[m] === 512 && row[scheme] === name).map((row) => row[flops] as number);
    const counts = rows.filter((row) => row[m] === 512 && row[scheme] === 'ooo').map((row) => row[tenants]);
    expect(counts).toEqual([2, 20, 60, 120]);
    const [coalesced, space] = [at('coalescing-1'), at('space-only')];
    const product = coalesced.reduce((all, each, i) => (all * each) / space[i], 1);
    const found = comparisons.find(({quantity}) => quantity === '512x1x512: over space-only')!;
    expect(found.ours).toBeCloseTo(product ** (1 / counts.length), 10);
  });
});
