// The tiled GEMM model: how k is split.
import {describe, expect, test} from 'vitest';
import {GemmModel} from '../../src/profile/gemmModel.ts';
import type {Problem} from '../../src/profile/gemmModel.ts';
import type {GemmTerms, LaunchTerms} from '../../src/profile/profile.ts';

const facts = {sms: 80, clockRatio: 1, dramBytesPerNs: 800, l2Bytes: 6e6};

/** One tile of 32 x 32, eight of which fit an SM; two keep it busy. */
function modelOf(splitNs: number): GemmModel {
  const launch: LaunchTerms = {
    launch_ns: 2000,
    split_ns: splitNs,
    tail: 0.4,
    unaligned: 0,
    memory: {a: 1, b: 1, c: 1, scatter_k: 100, b_along_k: true, partials: 1, exposed: 0},
    transposable: false,
    tiles: [
      {
        name: '32x32',
        rows: 32,
        columns: 32,
        blocks_per_sm: 8,
        step_ns: 12,
        l2_step_ns: 24,
        dram_step_ns: 24,
        scatter: 0,
        block_ns: 500,
        max_splits: 40,
      },
    ],
  };
  const single = {m: [1, 1], n: [1, 1], k: [1, 1], batch: [1, 1]} satisfies GemmTerms['region'];
  return new GemmModel(
    {
      source: ['assumption'],
      clock_mhz: 1380,
      single: launch,
      batched: launch,
      grouped: launch,
      pointers_ns: 0,
      region: single,
    },
    facts,
    4,
  );
}

describe('k is split', () => {
  const problem = {batch: 1, m: 128, n: 128, k: 4096};
  const blocksPerSm = (model: GemmModel, {m, n, k, batch}: Problem): number =>
    (model.choice({m, n, k, batch}, 'single').splits * (m / 32) * (n / 32)) / facts.sms;

  test('into no more parts than keep every SM busy, though it could hold more', () => {
    expect(blocksPerSm(modelOf(1000), problem)).toBe(2);
  });

  test('not at all where the reduction costs more than it saves', () => {
    expect(modelOf(1e6).choice(problem, 'single').splits).toBe(1);
    expect(modelOf(1000).choice({...problem, m: 4096, n: 4096}, 'single').splits).toBe(1);
  });

  test('only where that is faster', () => {
    const model = modelOf(1000);
    const unsplit = modelOf(1e9);
    for (const k of [64, 256, 1024, 8192]) {
      expect(model.singleNs({...problem, k})).toBeLessThanOrEqual(unsplit.singleNs({...problem, k}));
    }
  });
});
