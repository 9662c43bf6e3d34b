// The tiled GEMM model: how k is split.
import {describe, expect, test} from 'vitest';
import {GemmModel} from '../../src/profile/gemmModel.ts';
import type {Problem} from '../../src/profile/tileTime.ts';
import type {GemmTerms, LaunchTerms, MemoryTerms, Tile} from '../../src/profile/profile.ts';

const facts = {sms: 80, clockRatio: 1, dramBytesPerNs: 800, l2Bytes: 6e6};

/** One tile of 32 x 32, eight of which fit an SM; two keep it busy. */
function modelOf(
  splitNs: number,
  ownTile: Partial<Tile> = {},
  ownMemory: Partial<MemoryTerms> = {},
  ownLaunch: Partial<LaunchTerms> = {},
): GemmModel {
  const launch: LaunchTerms = {
    launch_ns: 2000,
    split_ns: splitNs,
    tail: 0.4,
    unaligned: 0,
    memory: {a: 1, b: 1, c: 1, scatter_k: 100, b_along_k: true, partials: 1, exposed: 0, ...ownMemory},
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
        ...ownTile,
      },
    ],
    ...ownLaunch,
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

describe('blocks of two warps', () => {
  const even = {l2_step_ns: 1, dram_step_ns: 1, block_ns: 0, max_splits: 1};
  /** Time of so many blocks on every SM, in whole blocks of an SM to itself. */
  const blocks = (model: GemmModel, perSm: number): number =>
    (model.stridedNs({batch: 80 * perSm, m: 32, n: 32, k: 1024}) - 2000) / (1024 * 12);

  test('are dealt to one half of the SM twice, then to the other twice', () => {
    const model = modelOf(1e9, {...even, warps: 2}, {a: 0.01, b: 0.01, c: 0.01});
    const taken = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((perSm) => Math.round(blocks(model, perSm)));
    expect(taken).toEqual([2, 4, 4, 4, 6, 8, 8, 8, 10, 12]);
  });

  test('others share it evenly', () => {
    const model = modelOf(1e9, even, {a: 0.01, b: 0.01, c: 0.01});
    for (const perSm of [1, 2, 3, 5, 8, 10]) expect(blocks(model, perSm)).toBeCloseTo(perSm, 1);
  });
});

describe('L2', () => {
  // One product of 32 x 32: 80 bytes for a step in k of a block that waits for its operands.
  const latency = {l2_step_ns: 30, dram_step_ns: 60, step_ns: 1, block_ns: 0, max_splits: 1};
  const problem = (megabytes: number): Problem => ({
    batch: 16,
    m: 32,
    n: 32,
    k: Math.round((1e6 * megabytes) / 4096),
  });
  const perStep = (model: GemmModel, megabytes: number): number => {
    const {k, ...rest} = problem(megabytes);
    return (model.stridedNs({...rest, k}) - 2000) / (8 * Math.ceil(k / 8));
  };

  test('with an edge keeps all operands that fit for the next launch, and none of those that do not', () => {
    const model = modelOf(1e9, latency, {edge: 0.05, a: 0.01, b: 0.01, c: 0.01});
    expect(perStep(model, 0.9 * 6)).toBeCloseTo(30, 1);
    expect(perStep(model, 1.1 * 6)).toBeCloseTo(60, 1);
  });

  test('without keeps less and less', () => {
    const model = modelOf(1e9, latency, {a: 0.01, b: 0.01, c: 0.01});
    expect(perStep(model, 0.9 * 6)).toBeGreaterThan(38);
    expect(perStep(model, 1.1 * 6)).toBeLessThan(52);
  });
});

describe('rows', () => {
  const bound = {l2_step_ns: 1, dram_step_ns: 1, step_ns: 0.1, block_ns: 0, max_splits: 1};
  const moving = (ownMemory: Partial<MemoryTerms>, n: number, k = 512): number =>
    modelOf(1e9, bound, {b_along_k: false, ...ownMemory}).stridedNs({batch: 400, m: 512, n, k});

  test('of C that start within a sector cost the given share more, the more of them do', () => {
    expect(moving({off_sector: 1}, 512)).toBe(moving({}, 512));
    // C is a third of the bytes; of 516 elements every other row starts within a sector, of 513 seven of eight.
    expect(moving({off_sector: 1}, 516) / moving({}, 516)).toBeCloseTo(1 + 1 / 6, 2);
    expect(moving({off_sector: 1}, 513) / moving({}, 513)).toBeCloseTo(1 + 7 / 24, 2);
  });

  test('of A that start within a line of L2 cost more of what short pieces cost', () => {
    const along = (k: number, off_line: number): number =>
      modelOf(1e9, {...bound, scatter: 1}, {b_along_k: false, off_line, c: 0.01, scatter_k: 1e-6}).stridedNs({
        batch: 400,
        m: 512,
        n: 32,
        k,
      });
    expect(along(512, 1)).toBe(along(512, 0));
    expect(along(528, 1) / along(528, 0)).toBeGreaterThan(1.15);
    expect(along(513, 1) / along(513, 0)).toBeGreaterThan(along(528, 1) / along(528, 0));
  });
});

describe('lines under way', () => {
  const bound = {l2_step_ns: 1, dram_step_ns: 1, step_ns: 0.1, block_ns: 0, max_splits: 1, scatter: 1};
  const moving = (l1_bytes: number | undefined, batch: number, m = 32): number =>
    modelOf(1e9, bound, {
      b_along_k: false,
      scatter_k: 1e-6,
      c: 0.01,
      ...(l1_bytes === undefined ? {} : {l1_bytes}),
    }).stridedNs({batch, m, n: 32, k: 8192}) - 2000;

  test('cost nothing more where L1 holds one for every row of an SM’s blocks', () => {
    // Eight blocks of 32 rows have 32 kB under way.
    expect(moving(32_768, 640)).toBeCloseTo(moving(1e9, 640), 6);
    expect(moving(16_384, 640) / moving(32_768, 640)).toBeCloseTo(1.25, 2);
  });

  test('are fewer where fewer blocks run, or tiles reach beyond C', () => {
    expect(moving(16_384, 320)).toBeCloseTo(moving(1e9, 320), 6);
    expect(moving(16_384, 640, 16)).toBeCloseTo(moving(1e9, 640, 16), 6);
  });

  test('that come around in turn are none lost while they fit, and all where they are twice as many', () => {
    const inTurn = (l1_bytes: number): number =>
      modelOf(1e9, bound, {b_along_k: false, scatter_k: 1e-6, c: 0.01, l1_bytes, l1_in_turn: true}).stridedNs(
        {
          batch: 640,
          m: 32,
          n: 32,
          k: 8192,
        },
      ) - 2000;
    expect(inTurn(32_768)).toBeCloseTo(moving(1e9, 640), 6);
    expect(inTurn(16_384)).toBeCloseTo(moving(undefined, 640), 6);
    expect(inTurn(8192)).toBe(inTurn(16_384));
  });

  test('that are lost are hidden as little as the tile says', () => {
    const busy = {step_ns: 30, l2_step_ns: 1, dram_step_ns: 1, block_ns: 0, max_splits: 1, scatter: 1};
    const ns = (exposed_lines?: number): number =>
      modelOf(
        1e9,
        {...busy, ...(exposed_lines === undefined ? {} : {exposed_lines})},
        {b_along_k: false, scatter_k: 1e-6, a: 0.01, b: 0.01, c: 0.01},
      ).stridedNs({batch: 6400, m: 32, n: 32, k: 512});
    expect(ns(0)).toBeCloseTo(ns(), 6);
    // Lines take what A takes from DRAM, next to which the rest is nothing.
    expect(ns(1) - ns(0)).toBeCloseTo((6400 * 4 * 32 * 512) / 800, -4);
  });

  test('cost more the longer rows are, and no more where each lies on a page of its own', () => {
    const ns = (k: number): number =>
      modelOf(1e9, bound, {
        b_along_k: false,
        scatter_k: 512,
        paged: true,
        a: 0.01,
        b: 0.01,
        c: 0.01,
      }).stridedNs({
        batch: 6400,
        m: 32,
        n: 32,
        k,
      }) - 2000;
    expect(ns(512) / ns(256)).toBeCloseTo(4, 0);
    expect(ns(1024) / ns(512)).toBeCloseTo(2, 1);
  });

  test('are all lost where L1 is not known', () => {
    expect(moving(undefined, 640)).toBeGreaterThan(moving(4096, 640));
  });
});

test('a k of no whole steps of eight costs the given steps more', () => {
  const perStep = {l2_step_ns: 50, dram_step_ns: 50, step_ns: 1, block_ns: 0, max_splits: 1};
  const ns = (k: number, remainder: number): number =>
    modelOf(1e9, perStep, {a: 0.01, b: 0.01, c: 0.01}, {remainder}).singleNs({batch: 1, m: 32, n: 32, k});
  expect(ns(64, 3)).toBe(ns(64, 0));
  expect(ns(65, 3) - ns(65, 0)).toBeCloseTo(150, 0);
});

test('a tile is not taken where the launch has more blocks than the library takes it for', () => {
  const model = modelOf(1e9, {taken_up_to: 1.25});
  expect(model.stridedNs({batch: 100, m: 32, n: 32, k: 64})).toBeLessThan(Infinity);
  expect(model.stridedNs({batch: 101, m: 32, n: 32, k: 64})).toBe(Infinity);
});
