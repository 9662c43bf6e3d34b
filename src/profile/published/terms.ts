// Where the fit of a GEMM model starts: constants from a GPU's arithmetic, for the tiles that its library is known to use.
import type {GemmTerms, LaunchTerms, MemoryTerms, Tile} from '../profile.ts';

/** What the starting constants follow from. */
export interface Arithmetic {
  /** Multiply-adds per clock of one SM. */
  readonly fmaPerClock: number;
  readonly clockMHz: number;
}

/** Most parts of a split k; the libraries' own choices in the data go to 120, and seldom beyond 40. */
const maxSplits = 40;
/** Registers and shared memory let an SM hold about this many elements of C in resident tiles. */
const residentElements = 32_768;

/** Where the fit begins of what L2's edge, its lines and sectors and a k of no whole steps do. */
export const grains = {caches: {edge: 0.2, off_line: 0.3, off_sector: 0.5}, remainder: 2} as const;

/** Where the fit begins of what an SM's L1 holds beside shared memory. */
const l1Bytes = 32_768;

/** NeuSight's launches of batched volta_sgemm_64x64 have 64 threads, those of all other tiles 128 or 256. */
export const twoWarps = {warps: 2} as const;

/** A tile by its library's name, see `tileOf`: `128x64` is 64 rows by 128 columns, `xmma_128x64` 128 rows by 64. */
export function tile(name: string, {fmaPerClock, clockMHz}: Arithmetic, fixed: Partial<Tile> = {}): Tile {
  const match = /^(xmma_)?(\d+)x(\d+)/.exec(name)!;
  const [first, second] = [Number(match[2]), Number(match[3])];
  const [rows, columns] = match[1] === undefined ? [second, first] : [first, second];
  const step = (1000 * 1.1 * rows * columns) / fmaPerClock / clockMHz;
  return {
    name,
    rows,
    columns,
    blocks_per_sm: Math.max(1, Math.min(8, Math.floor(residentElements / (rows * columns)))),
    step_ns: step,
    // A block alone leaves an SM partly idle.
    l2_step_ns: 1.5 * step,
    dram_step_ns: 2 * step,
    scatter: 1.5,
    block_ns: 1000,
    max_splits: 1,
    ...fixed,
  };
}

/** What a launch starts a fit with; see the profile's format. */
export interface LaunchStart {
  readonly launchNs?: number;
  readonly bAlongK?: boolean;
  readonly transposable?: boolean;
  /** Where the fit of what caches, lines and sectors do begins; without, the model leaves it out. */
  readonly caches?: Pick<MemoryTerms, 'edge' | 'off_sector' | 'off_line' | 'l1_bytes'>;
  /** Where the fit of what a k of no whole steps costs begins; without, the model leaves it out. */
  readonly remainder?: number;
}

/** Terms of a way of launching before any fit. */
export function launch(
  tiles: Tile[],
  {launchNs = 2500, bAlongK = false, transposable = false, caches = {}, remainder}: LaunchStart = {},
): LaunchTerms {
  return {
    launch_ns: launchNs,
    split_ns: 2000,
    tail: 0.4,
    unaligned: 0.04,
    ...(remainder === undefined ? {} : {remainder}),
    memory: {a: 1, b: 1, c: 1.5, scatter_k: 200, b_along_k: bAlongK, partials: 1, exposed: 0.15, ...caches},
    transposable,
    tiles,
  };
}

/** The library's tiles by launch; what is known of them (`batched NAME`: where batched only). */
export interface TileNames extends Pick<LaunchStart, 'caches' | 'remainder'> {
  readonly single: string[];
  readonly batched: string[];
  readonly fixed?: Record<string, Partial<Tile>>;
}

/** Terms from the names of the tiles that the library uses for one product and for batches of them. */
export function gemmTerms(
  source: string[],
  arithmetic: Arithmetic,
  {single, batched, fixed = {}, ...grains}: TileNames,
): GemmTerms {
  const split = (name: string): Tile => tile(name, arithmetic, {max_splits: maxSplits, ...fixed[name]});
  return {
    source,
    clock_mhz: arithmetic.clockMHz,
    single: launch(single.map(split), {bAlongK: true, transposable: true, ...grains}),
    batched: launch(
      batched.map((name) => tile(name, arithmetic, fixed[`batched ${name}`])),
      grains.caches === undefined ? grains : {...grains, caches: {...grains.caches, l1_bytes: l1Bytes}},
    ),
    grouped: groupedTerms(arithmetic),
    pointers_ns: 500,
    region: {m: [1, 1], n: [1, 1], k: [1, 1], batch: [1, 1]},
  };
}

/**
 * Nobody has published times of grouped launches by shape. Assumed: one tile size for all, three quarters of the
 * arithmetic of a batched kernel, a dearer launch that sets up the problems on the device.
 */
function groupedTerms(arithmetic: Arithmetic): LaunchTerms {
  const one = tile('64x64', arithmetic);
  return launch(
    [
      {
        ...one,
        step_ns: one.step_ns / 0.75,
        l2_step_ns: one.l2_step_ns / 0.75,
        dram_step_ns: one.dram_step_ns / 0.75,
      },
    ],
    {
      launchNs: 6000,
    },
  );
}
