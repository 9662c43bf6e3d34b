import {bytesOf} from '../scheduler/kernel.ts';
import type {DataType} from '../scheduler/kernel.ts';
import type {DeviceProfile, GemmTerms, LaunchTerms, Tile} from './profile.ts';
import {alike} from './tiles.ts';

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

/** Which of the library's kernels a launch may use. */
export type LaunchKind = 'single' | 'batched' | 'grouped';

/**
 * The time of a tiled GEMM kernel from first principles, with fitted constants.
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
 * The library is taken to choose the tile that is fastest, as its heuristics try to. For given m, n and k no time falls
 * as the batch grows.
 */
export class GemmModel {
  private readonly terms: GemmTerms;
  private readonly facts: DeviceFacts;
  private readonly bytesPerElement: number;
  /** What all tiles need to know of the last problem seen: bytes of one product's operands, what of them misses L2. */
  private a = 0;
  private b = 0;
  private c = 0;
  private miss = 0;
  private missA = 0;
  private missB = 0;
  /** What rows off the sectors cost: as a share more along k, in elements along n. */
  private offSectorK = 0;
  private offSectorN = 0;
  /** What unaligned rows do to a step in k. */
  private unaligned = 1;
  /** Of the tile that is looked at: what unaligned or far rows do, blocks and bytes without a split. */
  private stride = 1;
  private blocks = 0;
  private bytes = NaN;
  /** What the last `search` found: the fastest tile, the terms that hold for it, the product as it is computed. */
  private launch!: LaunchTerms;
  private tile!: Tile;
  private problem!: Problem;
  private splits = 1;
  private ns = 0;

  constructor(terms: GemmTerms, facts: DeviceFacts, bytesPerElement: number) {
    this.terms = terms;
    this.facts = facts;
    this.bytesPerElement = bytesPerElement;
  }

  /** Time in ns of one product launched alone. */
  singleNs(problem: Problem): number {
    this.search('single', problem);
    return this.ns;
  }

  /** Time in ns of a batched launch whose operands lie at equal distances. */
  stridedNs(problem: Problem): number {
    this.search('batched', problem);
    return this.ns;
  }

  /** Time in ns of a batched launch with arrays of pointers. */
  batchedNs(problem: Problem): number {
    return this.stridedNs(problem) + this.terms.pointers_ns;
  }

  /** Time in ns of a grouped launch: all blocks share the waves, and none ends before any of its problems would alone. */
  groupedNs(problems: readonly Problem[]): number {
    const {grouped} = this.terms;
    let least = Infinity;
    for (const tile of grouped.tiles) least = Math.min(least, this.groupedTileNs(grouped, tile, problems));
    return least;
  }

  /** The tile that the model takes for a launch, by name, and into how many parts it splits k. */
  choice(problem: Problem, kind: LaunchKind): {tile: string; splits: number} {
    this.search(kind, problem);
    return {tile: this.tile.name, splits: this.splits};
  }

  /** Blocks of a launch over the blocks that the device holds at once. */
  waves(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    return blocksOf(this.tile, this.splits, this.problem) / (this.facts.sms * this.tile.blocks_per_sm);
  }

  /** Share (0 to 1] of the SMs that a launch takes alone: of resident blocks or of the arithmetic. */
  smShare(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    const {tile, splits, ns, facts} = this;
    const blocks = blocksOf(tile, splits, this.problem);
    const resident = blocks / (facts.sms * tile.blocks_per_sm);
    const steps = stepsOf(problem.k, splits);
    const arithmetic = (blocks * steps * tile.step_ns) / facts.clockRatio / facts.sms / ns;
    return Math.min(1, Math.max(resident, arithmetic));
  }

  /**
   * Share (0 to 1] of the DRAM bandwidth that a launch takes alone. It is asked for to tell what neighbours leave each
   * other, who have L2 together: however sharp the edge up to which one launch finds its operands there, the share
   * begins below it.
   */
  bandwidthShare(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    const {launch, tile, splits, ns} = this;
    this.load(launch, this.problem);
    this.miss = this.missRate(this.problem.batch * (this.a + this.b + this.c));
    return Math.min(1, this.movingNs(launch, tile, splits, this.problem) / ns);
  }

  /** Time in ns of a launch with a given tile and split of k. */
  tileNs(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): number {
    this.load(launch, problem);
    return this.loadedNs(launch, tile, splits, problem);
  }

  /** Works out what does not depend on the tile. */
  private load({unaligned, memory}: LaunchTerms, {batch, m, n, k}: Problem): void {
    const {edge, off_sector, b_along_k} = memory;
    const perSector = sectorBytes / this.bytesPerElement;
    this.offSectorK = off_sector === undefined || k % perSector === 0 ? 0 : off_sector;
    this.offSectorN = off_sector === undefined || n % perSector === 0 ? 0 : off_sector * perSector;
    const grain = off_sector === undefined ? vectorBytes / this.bytesPerElement : perSector;
    const isOddK = k % grain === 0 ? 0 : 0.5;
    const isOddB = b_along_k ? isOddK : n % grain === 0 ? 0 : 0.5;
    this.unaligned = 1 + unaligned * (isOddK + isOddB);
    this.a = this.bytesPerElement * m * k;
    this.b = this.bytesPerElement * k * n;
    this.c = this.bytesPerElement * m * n;
    this.miss = this.missRate(batch * (this.a + this.b + this.c), edge);
    this.missA = this.missRate(this.a);
    this.missB = this.missRate(this.b);
  }

  /** `tileNs` of the problem loaded last. */
  private loadedNs(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): number {
    const steps = stepsOf(problem.k, splits) * this.strideFactor(tile, problem.k);
    const computing = this.computingNs(launch, tile, blocksOf(tile, splits, problem), steps, this.miss);
    const moving = this.movingNs(launch, tile, splits, problem);
    const reduction = splits > 1 ? launch.split_ns : 0;
    return launch.launch_ns + overlapped(computing, moving, launch.memory.exposed) + reduction;
  }

  private search(kind: LaunchKind, problem: Problem): void {
    this.ns = Infinity;
    const launch = this.terms[kind];
    this.searchTiles(launch, problem);
    if (launch.transposable && problem.m !== problem.n) {
      this.searchTiles(launch, {batch: problem.batch, m: problem.n, n: problem.m, k: problem.k});
    }
  }

  private searchTiles(launch: LaunchTerms, problem: Problem): void {
    this.load(launch, problem);
    for (const tile of launch.tiles) {
      this.stride = this.strideFactor(tile, problem.k);
      this.blocks = blocksOf(tile, 1, problem);
      this.bytes = NaN;
      if (tile.taken_up_to !== undefined && this.blocks > tile.taken_up_to * this.facts.sms) continue;
      this.compare(launch, tile, 1, problem);
      if (tile.max_splits === 1) continue;
      // Worth a look are the splits that give every SM a few blocks, as the libraries mostly do, or fill it once or twice.
      const blocksPerSm = this.blocks / this.facts.sms;
      let last = 1;
      for (let i = 0; i < fewBlocks + 2; i++) {
        const blocks = i < fewBlocks ? i + 1 : (i - fewBlocks + 1) * tile.blocks_per_sm;
        const splits = Math.min(tile.max_splits, Math.floor(blocks / blocksPerSm));
        if (splits <= last) continue;
        this.compare(launch, tile, splits, problem);
        last = splits;
      }
    }
  }

  private compare(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): void {
    const steps = stepsOf(problem.k, splits) * this.stride;
    const computing = this.computingNs(launch, tile, this.blocks * splits, steps, this.miss);
    // Most are out of the race before their bytes are counted.
    if (launch.launch_ns + computing >= this.ns) return;
    if (Number.isNaN(this.bytes)) this.bytes = this.bytesMoved(launch, tile, problem);
    const moving = this.movedNs(launch, this.bytes, splits, problem);
    const reduction = splits > 1 ? launch.split_ns : 0;
    const ns = launch.launch_ns + overlapped(computing, moving, launch.memory.exposed) + reduction;
    if (ns >= this.ns) return;
    this.launch = launch;
    this.tile = tile;
    this.problem = problem;
    this.splits = splits;
    this.ns = ns;
  }

  private groupedTileNs(launch: LaunchTerms, tile: Tile, problems: readonly Problem[]): number {
    let bytes = 0;
    for (const {batch, m, n, k} of problems) bytes += this.bytesPerElement * batch * (m * k + k * n + m * n);
    const miss = this.missRate(bytes, launch.memory.edge);
    let blocks = 0;
    let blockSteps = 0;
    let moving = 0;
    let alone = 0;
    for (const problem of problems) {
      const own = blocksOf(tile, 1, problem);
      this.load(launch, problem);
      this.miss = miss;
      const steps = stepsOf(problem.k, 1) * this.strideFactor(tile, problem.k);
      blocks += own;
      blockSteps += own * steps;
      alone = Math.max(alone, this.computingNs(launch, tile, own, steps, miss));
      moving += this.movingNs(launch, tile, 1, problem);
    }
    const together = this.computingNs(launch, tile, blocks, blockSteps / blocks, miss);
    return launch.launch_ns + overlapped(Math.max(together, alone), moving, launch.memory.exposed);
  }

  /** Time for the waves of blocks on the fullest SM. */
  private computingNs(launch: LaunchTerms, tile: Tile, blocks: number, steps: number, miss: number): number {
    const {sms, clockRatio} = this.facts;
    const slots = tile.blocks_per_sm;
    const latency = tile.l2_step_ns + miss * (tile.dram_step_ns - tile.l2_step_ns);
    const perSm = Math.ceil(blocks / sms);
    const fullWaves = Math.floor(perSm / slots);
    const rest = perSm - fullWaves * slots;
    let ns = fullWaves * (tile.block_ns + steps * Math.max(latency, busiest(slots, tile) * tile.step_ns));
    if (rest > 0) {
      const busy = busiest(rest, tile) * tile.step_ns;
      const idle = Math.max(0, latency - busy);
      ns += tile.block_ns + steps * (busy + (fullWaves > 0 ? launch.tail * idle : idle));
    }
    return ns / clockRatio;
  }

  /** Time to move the operands of the problem loaded last between DRAM and L2. */
  private movingNs(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): number {
    return this.movedNs(launch, this.bytesMoved(launch, tile, problem), splits, problem);
  }

  /** Time to move `bytes` of each product, and the partial results of a split k. */
  private movedNs({memory}: LaunchTerms, bytes: number, splits: number, {batch}: Problem): number {
    // Every part of a split k is written out and read again.
    const partials = splits > 1 ? 2 * splits * this.c : 0;
    return (batch * (bytes + memory.partials * partials)) / this.facts.dramBytesPerNs;
  }

  /** Bytes that one product of the problem loaded last moves, its k not split. */
  private bytesMoved({memory}: LaunchTerms, tile: Tile, {m, n, k}: Problem): number {
    const {a, b, c, facts} = this;
    // Blocks start along a row of tiles first: the tiles of B that run together, and the rows of tiles of A.
    const resident = facts.sms * tile.blocks_per_sm;
    const across = Math.ceil(n / tile.columns);
    const down = Math.ceil(m / tile.rows);
    const passesOfA = Math.max(1, across / resident);
    const passesOfB = Math.max(1, down / Math.max(1, resident / across));
    // A pass after the first finds in L2 what is small enough.
    const readA = a * (1 + (passesOfA - 1) * this.missA);
    const readB = b * (1 + (passesOfB - 1) * this.missB);
    // Where k is the operand's long side, a tile reads short pieces of many rows, which wastes bandwidth.
    const scatter = (tile.scatter * k) / (k + memory.scatter_k);
    const alongK = scatter * (1 + this.offSectorK);
    const costA = memory.a + alongK;
    // A row of a tile that starts within a sector touches one more.
    const pieces = 1 + this.offSectorN / Math.min(tile.columns, n);
    const costB = memory.b_along_k ? memory.b + alongK : memory.b * pieces;
    return this.miss * (costA * readA + costB * readB + memory.c * pieces * c);
  }

  /** What the distance between the rows of the operands of the problem loaded last does to a step in k. */
  private strideFactor(tile: Tile, k: number): number {
    if (tile.far === undefined) return this.unaligned;
    // Rows that lie far apart miss the address translation cache.
    const excess = (k * this.bytesPerElement) / 131_072 - 1;
    return this.unaligned * (1 + tile.far * Math.min(1, Math.max(0, excess)));
  }

  /** Share of the operands' bytes that L2 does not keep from one launch to the next. */
  private missRate(bytes: number, edge?: number): number {
    const relative = bytes / this.facts.l2Bytes;
    if (edge !== undefined) return Math.min(1, Math.max(0, (relative - 1 + edge) / (2 * edge)));
    return (relative * relative) / (1 + relative * relative);
  }
}

/** The facts of a profile's device for one data type; at another SM clock than the profile's where one is given. */
export function factsOf(
  {hardware, gemm}: DeviceProfile,
  dtype: DataType,
  clockMHz = hardware.clock_mhz.value,
): DeviceFacts {
  return {
    sms: hardware.sms.value,
    clockRatio: clockMHz / gemm[dtype]!.clock_mhz,
    dramBytesPerNs: hardware.dram_gb_per_s.value,
    l2Bytes: hardware.l2_bytes.value,
  };
}

/** The GEMM model of a profile for one data type that it holds. */
export function gemmModelOf(profile: DeviceProfile, dtype: DataType, clockMHz?: number): GemmModel {
  const terms = profile.gemm[dtype]!;
  const {single, batched, grouped} = terms;
  const uniform = {...terms, single: alike(single), batched: alike(batched), grouped: alike(grouped)};
  return new GemmModel(uniform, factsOf(profile, dtype, clockMHz), bytesOf[dtype]);
}

/**
 * Where k is split, the libraries' kernels come to 1 to 4 blocks on every SM for the most part, though it could hold up to
 * 8 (NeuSight's grids).
 */
const fewBlocks = 4;

/** What DRAM and L2 move at once, and the widest load of a thread. */
const sectorBytes = 32;
const vectorBytes = 16;

/** Blocks of a launch: the tiles of every product, times the parts of a split k. */
function blocksOf(tile: Tile, splits: number, {batch, m, n}: Problem): number {
  return batch * Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns) * splits;
}

/**
 * Blocks of an SM times their share of it, as its busiest schedulers see them. A block of two warps has work for two of
 * the four schedulers only: the SM deals such blocks to one half twice, then to the other twice, so that two blocks
 * take as long as four, and six as long as eight.
 */
function busiest(blocks: number, {warps}: Tile): number {
  return warps === undefined ? blocks : 4 * Math.floor(blocks / 4) + 2 * Math.min(2, blocks % 4);
}

/** Steps in k of one block; the kernels' inner loops take 8 at a time. */
function stepsOf(k: number, splits: number): number {
  return 8 * Math.ceil(k / splits / 8);
}

/** The longer of two times and what it does not hide of the shorter. */
function overlapped(a: number, b: number, exposed: number): number {
  return Math.max(a, b) + exposed * Math.min(a, b);
}
