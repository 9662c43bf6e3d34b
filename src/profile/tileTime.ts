// The time of a GEMM that runs on one given tile of the library's kernels, from first principles.
import type {LaunchTerms, Tile} from './profile.ts';

/** Facts of the device that a GEMM's time depends on. */
export interface DeviceFacts {
  readonly sms: number;
  /** Clock of the device over the clock of the measurements. */
  readonly clockRatio: number;
  /** DRAM bandwidth in bytes per ns. */
  readonly dramBytesPerNs: number;
  readonly l2Bytes: number;
}

/** `batch` products C[m,n] = A[m,k] B[k,n] in one launch. */
export interface Problem {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * The time of a tiled GEMM kernel with fitted constants, by tile and split of k.
 *
 * C is cut into tiles, a thread block each (times the parts of a split k). An SM holds `blocks_per_sm` blocks at once,
 * so the blocks run in waves; a wave of c blocks per SM takes k steps of
 *
 *     step(c) = max(latency, c step_ns),   latency between l2_step_ns (operands in L2) and dram_step_ns
 *
 * plus `block_ns`. Few blocks are bound by the latency of a step, many by the SM's arithmetic. Against this stands the
 * time to move the operands between DRAM and L2: the blocks that run together share what they read, so an operand is
 * read once for every pass that the waves make over it. The longer of the two times hides the shorter up to a share.
 *
 * A problem is loaded once, then one tile after the other is taken, then one split of k after the other looked at.
 */
export class TileTime {
  private readonly facts: DeviceFacts;
  private readonly bytesPerElement: number;
  /** Reciprocals of the facts: a division takes as long as ten multiplications. */
  private readonly perSm: number;
  private readonly perClock: number;
  private readonly perByte: number;
  private launch!: LaunchTerms;
  private batch = 0;
  private m = 0;
  private n = 0;
  private k = 0;
  /** Bytes of one product's operands. */
  private a = 0;
  private b = 0;
  private c = 0;
  /** Share of the operands' bytes that the launch before has not left in L2. */
  private miss = 0;
  /** What unaligned rows do to a step in k. */
  private unaligned = 1;
  /** Steps in k that a k of no whole steps costs more. */
  private remainder = 0;
  /** Steps in k of a block, k in one part. */
  private onePart = 0;
  /** What a unit of a tile's `scatter` costs along k, what C costs. */
  private scatterAlongK = 0;
  private costOfC = 0;

  private tile!: Tile;
  /** Thread blocks of the tile taken, k in one part. */
  blocks = 0;
  /** Least time of a step in k, and that of a step when the SM is full. */
  private latency = 0;
  private fullStep = 0;
  /** What unaligned or far rows do to a step in k. */
  private stride = 1;
  /** Of the tile looked at last: bounds of the times of the launch in ns, k in one part and split. */
  leastNs = 0;
  leastSplitNs = 0;
  /** Least time of computing, however k is split. */
  private arithmeticNs = 0;
  /** Time to move the operands, and what each part of a split k adds: it is written out and read again. */
  private operandsNs = 0;
  private partialsNs = 0;
  /** Of the operands' time what lines take that caches lose, as a share, and of both what arithmetic does not hide. */
  private linesShare = 0;
  private exposed = 0;
  /** What `fastestSplit` has found. */
  splits = 1;

  constructor(facts: DeviceFacts, bytesPerElement: number) {
    this.facts = facts;
    this.bytesPerElement = bytesPerElement;
    this.perSm = 1 / facts.sms;
    this.perClock = 1 / facts.clockRatio;
    this.perByte = 1 / facts.dramBytesPerNs;
  }

  /** Works out what does not depend on the tile. */
  load(launch: LaunchTerms, batch: number, m: number, n: number, k: number): void {
    const {memory} = launch;
    const {off_line, off_sector = 0} = memory;
    this.launch = launch;
    this.batch = batch;
    this.m = m;
    this.n = n;
    this.k = k;
    this.a = this.bytesPerElement * m * k;
    this.b = this.bytesPerElement * k * n;
    this.c = this.bytesPerElement * m * n;
    this.miss = this.missRate(batch * (this.a + this.b + this.c), memory.edge);
    this.remainder = k % stepLength === 0 ? 0 : (launch.remainder ?? 0);
    this.onePart = stepsOf(k, 1) + this.remainder;
    // Share of the rows that start off what a step of the kernel loads best.
    const loadBytes = off_line === undefined ? vectorBytes : lineBytes;
    const offK = this.off(k, loadBytes);
    const offN = this.off(n, loadBytes);
    const offA = off_line === undefined && offK > 0 ? 1 : offK;
    const offB = off_line === undefined && offN > 0 ? 1 : offN;
    this.unaligned = 1 + (launch.unaligned * (offA + (memory.b_along_k ? offA : offB))) / 2;
    // Where k is the operand's long side, a tile reads short pieces of many rows, which wastes bandwidth.
    const apart = memory.paged ? Math.min(1, k / memory.scatter_k) : k / (k + memory.scatter_k);
    this.scatterAlongK = apart * (1 + (off_line ?? 0) * offK);
    // Two tiles, or two rows, write the parts of a sector that they share at different times.
    this.costOfC = memory.c * (1 + off_sector * this.off(n, sectorBytes));
    this.partialsNs = 2 * batch * this.c * memory.partials * this.perByte;
  }

  /** As `load`, but what stays in L2 follows from the bytes of a launch that the problem is a part of. */
  loadPart(launch: LaunchTerms, {batch, m, n, k}: Problem, launchBytes: number): void {
    this.load(launch, batch, m, n, k);
    this.miss = this.missRate(launchBytes, launch.memory.edge);
  }

  /**
   * As `load`, but L2 is shared with others: however sharp the edge up to which one launch finds its operands there, what
   * is missed begins below it.
   */
  loadShared(launch: LaunchTerms, batch: number, m: number, n: number, k: number): void {
    this.load(launch, batch, m, n, k);
    this.miss = this.missRate(batch * (this.a + this.b + this.c));
  }

  /**
   * Works out what depends on the tile and not on the split of k. Says whether any split may take less than `limit` ns; if
   * none does, nothing is taken.
   */
  take(tile: Tile, limit = Infinity): boolean {
    const {launch, miss, perClock, partialsNs} = this;
    const across = Math.ceil(this.n / tile.columns);
    const down = Math.ceil(this.m / tile.rows);
    const blocks = this.batch * down * across;
    const stride = tile.far === undefined ? this.unaligned : this.unaligned * this.farFactor(tile.far);
    // The SMs have all of the arithmetic to do: about half of the tiles are out of the race for this alone.
    const block = tile.block_ns * perClock;
    const arithmetic = block + blocks * this.k * stride * tile.step_ns * this.perSm * perClock;
    if (almost * (launch.launch_ns + arithmetic) >= limit) return false;
    const latency = tile.l2_step_ns + miss * (tile.dram_step_ns - tile.l2_step_ns);
    const operandsNs = miss === 0 ? 0 : this.batch * this.bytesMoved(tile, across, down) * this.perByte;
    let {exposed} = launch.memory;
    if (tile.exposed_lines !== undefined && miss > 0)
      exposed += (tile.exposed_lines - exposed) * this.linesShare;
    // In one part a block has all of its steps.
    const one = Math.max(arithmetic, block + this.onePart * stride * latency * perClock);
    this.leastNs = almost * (launch.launch_ns + overlapped(one, operandsNs, exposed));
    // Split: the more parts, the fewer steps of latency x and the more partial results y, where for any number of them
    // max(x / parts, y parts) >= sqrt(x y).
    if (tile.max_splits > 1) {
      const moving = operandsNs + 2 * partialsNs;
      const longer = Math.max(
        arithmetic,
        moving,
        Math.sqrt(this.k * stride * latency * perClock * partialsNs),
      );
      const split = longer + exposed * Math.min(arithmetic, moving);
      this.leastSplitNs = almost * (launch.launch_ns + launch.split_ns + split);
    } else this.leastSplitNs = Infinity;
    if (Math.min(this.leastNs, this.leastSplitNs) >= limit) return false;
    this.tile = tile;
    this.blocks = blocks;
    this.stride = stride;
    this.latency = latency;
    this.fullStep = Math.max(latency, busiest(tile.blocks_per_sm, tile) * tile.step_ns);
    this.operandsNs = operandsNs;
    this.arithmeticNs = arithmetic;
    this.exposed = exposed;
    return true;
  }

  /** Time in ns of the launch with the tile taken, k split into so many parts. */
  ns(splits: number): number {
    const {launch_ns, split_ns} = this.launch;
    const ns = launch_ns + overlapped(this.computingNs(splits), this.movingNs(splits), this.exposed);
    return splits > 1 ? ns + split_ns : ns;
  }

  /**
   * Looks for the split of k that takes least, if it takes less than `limit` ns: its time, else the limit. `splits` is then
   * how many parts that is, else 1.
   */
  fastestSplit(limit: number): number {
    const {tile, launch, operandsNs, partialsNs, exposed} = this;
    const fixed = launch.launch_ns + launch.split_ns;
    const {blocks_per_sm: slots, max_splits: most} = tile;
    const smsPerBlock = this.facts.sms / this.blocks;
    let last = 1;
    this.splits = 1;
    // Worth a look are the splits that give every SM a few blocks, as the libraries mostly do, or fill it once or twice.
    for (let i = 1; i <= fewBlocks + 2; i++) {
      const perSm = i <= fewBlocks ? i : (i - fewBlocks) * slots;
      const splits = Math.min(most, Math.floor(perSm * smsPerBlock + nearlyWhole));
      if (splits <= last) continue;
      last = splits;
      const moving = operandsNs + splits * partialsNs;
      // More parts still move more.
      if (almost * (fixed + overlapped(this.arithmeticNs, moving, exposed)) >= limit) break;
      const ns = fixed + overlapped(this.computingNs(splits), moving, exposed);
      if (ns >= limit) continue;
      limit = ns;
      this.splits = splits;
    }
    return limit;
  }

  /** Steps in k of one block, as long as they are with the rows that this problem has. */
  stepsOfBlock(splits: number): number {
    return splits === 1
      ? this.onePart * this.stride
      : (stepsOf(this.k, splits) + this.remainder) * this.stride;
  }

  /** Time for the waves of the launch's blocks on the fullest SM. */
  computingNs(splits: number): number {
    return this.wavesNs(this.blocks * splits, this.stepsOfBlock(splits));
  }

  /** Time for the waves of so many blocks on the fullest SM. */
  wavesNs(blocks: number, steps: number): number {
    const {tile, latency} = this;
    const slots = tile.blocks_per_sm;
    // Whole blocks over whole SMs: no quotient is nearer to a whole number than this without being one.
    const perSm = Math.ceil(blocks * this.perSm - nearlyWhole);
    const fullWaves = perSm < slots ? 0 : Math.floor(perSm / slots);
    const rest = perSm - fullWaves * slots;
    let ns = fullWaves * (tile.block_ns + steps * this.fullStep);
    if (rest > 0) {
      const busy = busiest(rest, tile) * tile.step_ns;
      const idle = Math.max(0, latency - busy);
      ns += tile.block_ns + steps * (busy + (fullWaves > 0 ? this.launch.tail * idle : idle));
    }
    return ns * this.perClock;
  }

  /** Time to move the operands between DRAM and L2, and the partial results of a split k. */
  movingNs(splits: number): number {
    return splits > 1 ? this.operandsNs + splits * this.partialsNs : this.operandsNs;
  }

  private bytesMoved(tile: Tile, across: number, down: number): number {
    const {memory} = this.launch;
    // Blocks start along a row of tiles first: the tiles of B that run together, and the rows of tiles of A.
    const resident = this.facts.sms * tile.blocks_per_sm;
    let readA = this.a;
    let readB = this.b;
    // A pass after the first finds in L2 what is small enough.
    if (across > resident) readA *= 1 + (across / resident - 1) * this.missRate(this.a);
    if (down > 1 && down * across > resident) {
      const passes = Math.max(1, down / Math.max(1, resident / across));
      readB *= 1 + (passes - 1) * this.missRate(this.b);
    }
    const alongK = tile.scatter * this.scatterAlongK * this.linesLost(tile, across, down);
    const costA = memory.a + alongK;
    const costB = memory.b_along_k ? memory.b + alongK : memory.b;
    const moved = costA * readA + costB * readB + this.costOfC * this.c;
    if (tile.exposed_lines !== undefined)
      this.linesShare = (alongK * (memory.b_along_k ? readA + readB : readA)) / moved;
    return this.miss * moved;
  }

  /**
   * Share of the lines of A that an SM's L1 loses before its blocks have read them to the end. A block takes a few elements
   * of each of its rows at a time, so that there is a line under way for every row of every block on the SM.
   */
  private linesLost(tile: Tile, across: number, down: number): number {
    const {l1_bytes, l1_in_turn} = this.launch.memory;
    if (l1_bytes === undefined) return 1;
    const blocksOfSm = Math.min(tile.blocks_per_sm, this.batch * down * across * this.perSm);
    const bytes = blocksOfSm * (this.m / down) * lineBytes;
    if (l1_in_turn) return Math.min(1, Math.max(0, bytes / l1_bytes - 1));
    return Math.max(0, 1 - l1_bytes / bytes);
  }

  /** Rows that lie far apart miss the address translation cache. */
  private farFactor(far: number): number {
    const excess = (this.k * this.bytesPerElement) / 131_072 - 1;
    return 1 + far * Math.min(1, Math.max(0, excess));
  }

  /** Share of the rows of so many elements, one behind the other, that do not start at a multiple of so many bytes. */
  private off(length: number, bytes: number): number {
    const elements = bytes / this.bytesPerElement;
    return 1 - Math.min(elements, length & -length) / elements;
  }

  /** Share of the operands' bytes that L2 does not keep from one launch to the next. */
  private missRate(bytes: number, edge?: number): number {
    const relative = bytes / this.facts.l2Bytes;
    if (edge !== undefined) return Math.min(1, Math.max(0, (relative - 1 + edge) / (2 * edge)));
    return (relative * relative) / (1 + relative * relative);
  }
}

/**
 * Where k is split, the libraries' kernels come to 1 to 4 blocks on every SM for the most part, though it could hold up to
 * 8 (NeuSight's grids).
 */
const fewBlocks = 4;

/** Less than the least distance of a quotient of blocks and SMs from a whole number. */
const nearlyWhole = 1e-7;

/** A little less than 1, so that rounding puts no tile out of the race. */
const almost = 1 - 1e-9;

/** A line of L2, the sectors of it that are moved one by one, and the widest load of a thread. */
const lineBytes = 128;
const sectorBytes = 32;
const vectorBytes = 16;

/** Steps in k that the kernels' inner loops take at a time. */
const stepLength = 8;

/**
 * Blocks of an SM times their share of it, as its busiest schedulers see them. A block of two warps has work for two of
 * the four schedulers only: the SM deals such blocks to one half twice, then to the other twice, so that two blocks
 * take as long as four, and six as long as eight.
 */
function busiest(blocks: number, {warps}: Tile): number {
  return warps === undefined ? blocks : 4 * Math.floor(blocks / 4) + 2 * Math.min(2, blocks % 4);
}

/** Steps in k of one block; the kernels' inner loops take 8 at a time. */
export function stepsOf(k: number, splits: number): number {
  return stepLength * Math.ceil(k / (splits * stepLength));
}

/** The longer of two times and what it does not hide of the shorter. */
export function overlapped(a: number, b: number, exposed: number): number {
  return Math.max(a, b) + exposed * Math.min(a, b);
}
