// Validation on the stand-in for CUDA: both worlds decide about the same requests, and how far they are apart is told.
import {afterAll, describe, expect, test} from 'vitest';
import {standInPlace, unavailable} from './standInPlace.ts';

describe.skipIf(unavailable)('on the stand-in', () => {
  const place = standInPlace();
  afterAll(() => place.remove());

  test('validate compares the same requests, and says how far the worlds are apart', async () => {
    const ended = await place.run([
      'validate',
      'tiny.yaml',
      '--policy',
      'greedy',
      '--policy',
      'batcher:max-batch=4',
      '--policy',
      'time-slice',
      '--policy',
      'exclusive:gpus=own',
      '--repeats',
      '2',
      '--output',
      'v.json',
      '--quiet',
    ]);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^greedy .*time-slice /ms);
    expect(ended.stdout).toContain(
      'exclusive:gpus=own cannot run live: it gives every tenant a GPU of its own',
    );
    const {cells, verdicts, skipped} = JSON.parse(place.read('v.json')) as {
      cells: {
        policy: string;
        simulated: {completed: number}[];
        measured: {completed: number}[];
        kinds: {kernel: string; launches: number; measuredNs: number; predictedNs: number}[];
        attribution: {agreed: number; hostNs: number | null};
        metrics: {slo_attainment: {error: number; simulated: number; measured: number}};
      }[];
      verdicts: {better: string; base: string}[];
      skipped: {policy: string}[];
    };
    expect(skipped.map(({policy}) => policy)).toEqual(['exclusive:gpus=own']);
    expect(cells.map(({policy}) => policy)).toEqual(['greedy', 'batcher:max-batch=4', 'time-slice']);
    for (const {simulated, measured, kinds, attribution, metrics} of cells) {
      expect(measured.map(({completed}) => completed)).toEqual([
        simulated[0].completed,
        simulated[0].completed,
      ]);
      expect(kinds.length).toBeGreaterThan(1);
      for (const {kernel, predictedNs, measuredNs} of kinds) {
        expect(kernel).toMatch(/^(gemm|elementwise) /);
        expect(predictedNs).toBeGreaterThan(0);
        expect(measuredNs).toBeGreaterThan(0);
      }
      expect(attribution.agreed).toBeGreaterThan(0);
      const {error, simulated: s, measured: m} = metrics.slo_attainment;
      expect(error).toBeCloseTo(100 * (s - m), 9);
    }
    expect(verdicts.map(({better, base}) => [better, base])).toEqual([
      ['batcher:max-batch=4', 'greedy'],
      ['time-slice', 'greedy'],
    ]);
  });
});
