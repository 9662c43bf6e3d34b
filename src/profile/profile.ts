import {z} from 'zod';
import {methods} from '../scheduler/kernel.ts';
import type {DataType} from '../scheduler/kernel.ts';

// The device profile: everything the simulator knows of one GPU, each number with where it came from.
// Units are part of the key. A profile is written by a fit or a calibration and seldom by hand, so that durations are
// numbers in ns here and not strings with units.

/** The version of the format that this program reads and writes. */
export const schemaVersion = 1;

const positive = z.number().positive();
const fraction = z.number().min(0).max(1);
const count = z.int().positive();
/** An id of `sources`; `assumption` is legal, and then the number is nobody's measurement. */
const sourceId = z.string().min(1);
const sourceIds = z.array(sourceId).min(1);
const quantity = z.strictObject({value: positive, source: sourceId});
const quantityOrZero = z.strictObject({value: z.number().min(0), source: sourceId});
/** a + b R for a launch of R members. */
const affine = z.strictObject({
  fixed_ns: z.number().min(0),
  per_member_ns: z.number().min(0),
  source: sourceId,
});
const range = z.tuple([positive, positive]);

/**
 * A launch takes up to this share longer than at the clock that its source names; half of that at `half_ns`. Where
 * `tflops`, the GPU's peak, is stated, it is a share of the time that the arithmetic takes at this rate: what a launch does
 * beside it draws little power.
 */
const throttle = z.strictObject({share: z.number().min(0), half_ns: positive, tflops: positive.optional()});
export type Throttle = z.infer<typeof throttle>;

const source = z.strictObject({
  title: z.string().min(1),
  licence: z.string().min(1),
  url: z.string().optional(),
  /** Of the measurement or of the publication, as precise as known: 2019, 2023-11, 2026-01-31. */
  date: z
    .string()
    .regex(/^\d{4}(-\d{2}(-\d{2})?)?$/)
    .optional(),
  clock_mhz: positive.optional(),
  /**
   * What its times hold besides the kernel, by launch, as a fit has found it: the host's part; below 0 where the host was
   * taken to take longer than it does. Predictions are of the kernel alone; a check adds this.
   */
  host_ns: z.strictObject({single: z.number().optional(), batched: z.number().optional()}).optional(),
  /** How its GPU slowed down under load, by launch, as a fit has found it; a check adds this too. */
  throttle: z.strictObject({single: throttle.optional(), batched: throttle.optional()}).optional(),
  /** By session: what share longer its kernels took, as at a lower clock than `clock_mhz`, as a fit has found it. */
  slower: z.record(z.string(), z.number().min(0)).optional(),
  library: z.string().optional(),
  note: z.string().optional(),
});

/** One tile size of the library's kernels; see gemmModel.ts for what the numbers do. */
const tile = z.strictObject({
  name: z.string().min(1),
  rows: count,
  columns: count,
  /** Blocks of this tile that one SM holds at once. */
  blocks_per_sm: count,
  /** Warps of a block, where they are fewer than the SM's four schedulers: 2; none: enough for all of them. */
  warps: z.literal(2).optional(),
  /** Time of one step in k of one block when the SM is full. */
  step_ns: positive,
  /** Least time of a step in k, however few blocks run: operands in L2, operands in DRAM. */
  l2_step_ns: positive,
  dram_step_ns: positive,
  /** More of the DRAM time of an operand whose long side is k: a tile reads short pieces of many rows. */
  scatter: z.number().min(0),
  /** Share of what lines that caches lose take that arithmetic does not hide; none: `exposed` of the memory. */
  exposed_lines: fraction.optional(),
  /** How much longer a step takes where the rows of an operand along k lie 256 kB apart or more; none up to 128 kB. */
  far: z.number().min(0).optional(),
  /** Per block: fill the pipeline, write C. */
  block_ns: z.number().min(0),
  /** Most parts that k may be split into; 1: no split-K. */
  max_splits: count,
  /** Blocks over SMs of a launch up to which the library considers this tile at all; none: always. */
  taken_up_to: positive.optional(),
});
export type Tile = z.infer<typeof tile>;

/** Times over what the bytes of an operand would take at the DRAM bandwidth; see gemmModel.ts. */
const memory = z.strictObject({
  a: positive,
  b: positive,
  c: positive,
  /** Length of k at which an operand whose long side is k costs half of a tile's `scatter` more; with `paged`: all of it. */
  scatter_k: positive,
  /**
   * `scatter` grows in proportion to k until, at `scatter_k`, every row along k lies on a page of DRAM of its own, and no
   * further; none: it grows slowly, without end.
   */
  paged: z.literal(true).optional(),
  /** Whether the long side of B is k too, as in C = A B' of row-major operands. */
  b_along_k: z.boolean(),
  /** For the partial results of a split k. */
  partials: z.number().min(0),
  /** Share of the shorter of computing and memory time that the longer does not hide. */
  exposed: fraction,
  /**
   * How sharply L2 stops keeping the operands for the next launch: all of them stay up to (1 - edge) times its size, none
   * above (1 + edge) times; none: half of them at its size, and slowly more and less around it.
   */
  edge: fraction.min(0.01).optional(),
  /**
   * What is read more where rows along k do not start on a line of L2 (128 bytes), as a share more of `scatter`; none:
   * nothing. Rows along n need no more: the line that a tile's row ends in is the one that its neighbour's row starts in.
   */
  off_line: z.number().min(0).optional(),
  /**
   * Bytes that an SM's L1 has for lines under way, of which each row of the SM's blocks along k has one: `scatter` counts for
   * the share of them that does not fit; none: for all.
   */
  l1_bytes: positive.optional(),
  /**
   * Lines come around in turn, so that a cache which drops what was used least recently loses none while they fit, and all
   * where they are twice as many; none: it keeps as many as fit.
   */
  l1_in_turn: z.literal(true).optional(),
  /** What is written more of C where its rows do not start on a sector (32 bytes), as a share; none: nothing. */
  off_sector: z.number().min(0).optional(),
});
export type MemoryTerms = z.infer<typeof memory>;

const errors = z.strictObject({
  rows: z.int().min(0),
  median: z.number().min(0),
  p90: z.number().min(0),
  bias: z.number(),
});
export type ErrorSummary = z.infer<typeof errors>;

const region = z.strictObject({m: range, n: range, k: range, batch: range});
export type Region = z.infer<typeof region>;

/** The library's kernels for one way of launching. */
const launchTerms = z.strictObject({
  launch_ns: z.number().min(0),
  /** A split-K launch adds a reduction. */
  split_ns: z.number().min(0),
  /** Share of the last wave's latency that the waves before do not hide. */
  tail: fraction,
  /** How much longer a step takes where no row starts on a line of L2 (no `off_line`: at 16 bytes); half: of one operand. */
  unaligned: z.number().min(0).default(0),
  /** What a k that is no multiple of 8 costs more, in steps in k; none: nothing. */
  remainder: z.number().min(0).optional(),
  memory,
  /** Whether C' = B' A' may be computed instead, where that is faster. */
  transposable: z.boolean(),
  tiles: z.array(tile).min(1),
  /**
   * Two tiles, by name, of which the library takes one or the other by the waves of `wave` blocks per SM, where both cut C
   * into equally many blocks: see alternation.ts; none: the faster, as of all others. C' is not looked at then.
   */
  alternation: z.strictObject({usual: z.string(), full: z.string(), wave: count}).optional(),
});
export type LaunchTerms = z.infer<typeof launchTerms>;

const gemm = z.strictObject({
  source: sourceIds,
  /** The SM clock of the measurements; computing time scales with the device's clock. */
  clock_mhz: positive,
  /** One product; the batched kernels are available besides. */
  single: launchTerms,
  batched: launchTerms,
  grouped: launchTerms,
  /** What an array of pointers to the operands costs over operands at equal distances. */
  pointers_ns: z.number().min(0),
  region,
  residuals: z.record(z.string(), errors).optional(),
});
export type GemmTerms = z.infer<typeof gemm>;

const measured = z.strictObject({
  source: sourceId,
  m: count,
  n: count,
  k: count,
  count: count,
  dtype: z.enum(['fp32', 'tf32', 'fp16', 'bf16']),
  method: z.enum(['single', 'batched', 'strided', 'grouped', 'padded']),
  /** [R, ns], R ascending. */
  points: z.array(z.tuple([count, positive])).min(1),
});
export type MeasuredTable = z.infer<typeof measured>;

const measuredShares = z.strictObject({
  ...measured.omit({points: true}).shape,
  /**
   * [R, share, pressure], R ascending: the share of the device that a superkernel takes beside its equals, which is 1 / (greatest
   * speed-up of L lanes over one, L from 2 on), each lane an unbroken queue of that same superkernel; and what it presses on others
   * with for each share of the device (none: 1), where more than eight lanes get more done than those: up to eight slow each other
   * as if the share were what these leave of it.
   */
  points: z.array(z.tuple([count, positive.max(1), positive.min(1).optional()])).min(1),
});
export type MeasuredShares = z.infer<typeof measuredShares>;

const measuredInRuns = z.strictObject({
  ...measured.omit({points: true}).shape,
  /**
   * [R, pace, exposure, pressure], R ascending, of superkernels amid the kernels of their model: how long they take over by
   * themselves, how much they suffer from what runs beside them, and press on it with for each share of the device (none: 1
   * over the exposure); see `SharingTerms`.
   */
  points: z.array(z.tuple([count, positive, positive, positive.optional()])).min(1),
});
export type MeasuredInRuns = z.infer<typeof measuredInRuns>;

const byDataType = <T extends z.ZodType>(value: T) =>
  z.strictObject({
    fp32: value.optional(),
    tf32: value.optional(),
    fp16: value.optional(),
    bf16: value.optional(),
  });

export const schema = z.strictObject({
  schema_version: z.literal(schemaVersion),
  name: z.string().min(1),
  summary: z.string().min(1),
  sources: z.record(z.string(), source),
  hardware: z.strictObject({
    gpu: z.string().min(1),
    sms: quantity,
    clock_mhz: quantity,
    memory_bytes: quantity,
    dram_gb_per_s: quantity,
    l2_bytes: quantity,
    l2_gb_per_s: quantity,
    shared_memory_per_sm_bytes: quantity,
    registers_per_sm: quantity,
    warps_per_sm: quantity,
    peak_tflops: byDataType(quantity),
    usd_per_hour: quantity.optional(),
  }),
  gemm: byDataType(gemm),
  elementwise: z.strictObject({
    source: sourceId,
    launch_ns: positive,
    gb_per_s: positive,
    l2_gb_per_s: positive,
    /** Bytes that the launches of the fit moved, least and most; none: not known. */
    bytes: range.optional(),
    /** [bytes moved, share of the device], bytes ascending; see `measured_shares`. */
    shares: z
      .array(z.tuple([positive, positive.max(1)]))
      .min(1)
      .optional(),
  }),
  launch: z.strictObject({
    /** Idle time of a lane between two kernels that it holds. */
    gap_ns: quantityOrZero,
    /**
     * Besides, before a launch that takes arrays of pointers (batched, grouped, padded): they are copied within the lane.
     * A lane that is idle does that while the host still submits.
     */
    pointer_copy_ns: quantityOrZero.optional(),
    /** Idle time between two kernels of one launch that runs ahead; none: `gap_ns`. */
    step_gap_ns: quantityOrZero.optional(),
    /** Least time between the starts of two kernels on the device, whatever their lanes; none: 0. */
    start_interval_ns: quantityOrZero.optional(),
  }),
  host: z.strictObject({
    submit: z.strictObject({
      single: affine,
      batched: affine,
      strided: affine,
      grouped: affine,
      padded: affine,
      /** Memory-bound kernels by any method; none: as `single`. */
      elementwise: affine.optional(),
    }),
    /** Host time of each further step of a launch, by method; none: `submit` less the `fixed_ns` of `single`. */
    follow: z.partialRecord(z.enum(methods), affine).optional(),
    /** Besides, of each further product of a member of a batched launch, e.g. of a layer of many small ones; none: 0. */
    per_product_ns: quantityOrZero.optional(),
    detect_ns: quantityOrZero,
    /** Host time of one wake-up: seeing what happened, deciding. */
    decide_ns: quantityOrZero,
    /** The same under policies of one family, by name; none: `decide_ns`. */
    decide_by_policy: z.record(z.string(), quantityOrZero).optional(),
    /**
     * Besides, for each launch whose end a wake-up sees and each that it makes, under policies of one family, by name; the median of them under
     * others; none: 0.
     */
    decide_launches_by_policy: z.record(z.string(), quantityOrZero).optional(),
    /**
     * Besides, for each member but the first of the launches whose ends a wake-up sees and of those it makes, under policies
     * of one family, by name; none: 0.
     */
    decide_members_by_policy: z.record(z.string(), quantityOrZero).optional(),
  }),
  contention: z.strictObject({
    /** How launches in flight slow each other down: see `shareRates` of the simulated GPU. */
    interference: quantityOrZero,
    /** None: 0. */
    crowding: quantityOrZero.optional(),
    /** None: 0. */
    crowded_interference: quantityOrZero.optional(),
    /** None: 0. */
    mixing: quantityOrZero.optional(),
    /**
     * Exposure of launches that coalesce where none was measured, of 1 for others; none: 1. Above 0, as shares are divided
     * by it.
     */
    coalesced: quantity.optional(),
    max_concurrent: quantity,
    /** Measured / modelled share of the device, for superkernels without measured shares; none: 1. */
    share_scale: quantity.optional(),
  }),
  sharing: z.strictObject({
    time_slice_ns: quantity,
    /** How long nothing runs when a context's slice is over and another takes its turn. */
    switch_ns: quantityOrZero,
    /** The same where the context had nothing left to run; none: `switch_ns`. */
    yield_ns: quantityOrZero.optional(),
    context_bytes: quantityOrZero,
    /** Relative standard deviation between the speeds of MPS processes. */
    mps_spread: quantityOrZero,
  }),
  noise: z.strictObject({
    source: sourceId,
    /** Quantiles of measured / typical duration at equal steps of probability from 0 to 1; all 1: no noise. */
    quantiles: z.array(positive).min(2),
  }),
  measured: z.array(measured).optional(),
  /** Of singles, and of batched launches for every method with several members. */
  measured_shares: z.array(measuredShares).optional(),
  /** Of singles, and of batched launches for every method with several members; none: pace 1, exposure 1 or `contention.coalesced`, pressure 1 over that. */
  measured_in_runs: z.array(measuredInRuns).optional(),
});

/** A validated device profile. */
export type DeviceProfile = z.infer<typeof schema>;

/** The data types that a profile holds a GEMM model for. */
export function dataTypesOf(profile: DeviceProfile): DataType[] {
  return (Object.keys(profile.gemm) as DataType[]).filter((dtype) => profile.gemm[dtype] !== undefined);
}
