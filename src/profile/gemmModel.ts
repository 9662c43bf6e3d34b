import type {GemmTerms, LaunchTerms, Tile} from './profile.ts';

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
 * The library is taken to choose the tile that is fastest, as its heuristics try to.
 */
export class GemmModel {
  private readonly terms: GemmTerms;
  private readonly facts: DeviceFacts;
  private readonly bytesPerElement: number;
  /** The fastest tile found by the last `search`, its split of k and its time. */
  private launch!: LaunchTerms;
  private tile!: Tile;
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

  /** Time in ns of a batched launch with an array of pointers. */
  batchedNs(problem: Problem): number {
    return this.stridedNs(problem) + this.terms.pointers_ns;
  }

  /** The name of the tile that the model takes for a launch, and into how many parts it splits k. */
  choice(problem: Problem, kind: LaunchKind): {tile: string; splits: number} {
    this.search(kind, problem);
    return {tile: this.tile.name, splits: this.splits};
  }

  /**
   * Time in ns of a grouped launch: the blocks of all problems share the waves, and none ends before the longest block.
   */
  groupedNs(problems: readonly Problem[]): number {
    const {grouped} = this.terms;
    let least = Infinity;
    for (const tile of grouped.tiles) least = Math.min(least, this.groupedTileNs(grouped, tile, problems));
    return least;
  }

  /** Blocks of a launch over the blocks that the device holds at once. */
  waves(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    return blocksOf(this.tile, this.splits, problem) / (this.facts.sms * this.tile.blocks_per_sm);
  }

  /** Share (0 to 1] of the SMs that a launch takes alone: of resident blocks or of the arithmetic. */
  smShare(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    const {tile, splits, ns, facts} = this;
    const blocks = blocksOf(tile, splits, problem);
    const resident = blocks / (facts.sms * tile.blocks_per_sm);
    const steps = stepsOf(problem.k, splits);
    const arithmetic = (blocks * steps * tile.step_ns) / facts.clockRatio / facts.sms / ns;
    return Math.min(1, Math.max(resident, arithmetic));
  }

  /** Bytes that a launch moves between DRAM and L2. */
  dramBytes(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    return this.movingNs(this.launch, this.tile, this.splits, problem) * this.facts.dramBytesPerNs;
  }

  /** Time in ns of a launch with a given tile and split of k. */
  tileNs(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): number {
    const {batch, m, n, k} = problem;
    const miss = this.missRate(this.bytesPerElement * batch * (m * k + k * n + m * n));
    const computing = this.computingNs(tile, blocksOf(tile, splits, problem), stepsOf(k, splits), miss);
    const moving = this.movingNs(launch, tile, splits, problem);
    return (
      launch.launch_ns +
      overlapped(computing, moving, launch.memory.exposed) +
      (splits > 1 ? launch.split_ns : 0)
    );
  }

  private search(kind: LaunchKind, problem: Problem): void {
    this.ns = Infinity;
    const launch = this.terms[kind];
    for (const tile of launch.tiles) this.consider(launch, tile, problem);
    if (kind !== 'single') return;
    // One product may use a batched kernel as well, so that coalescing never beats one kernel by being another kernel.
    const {batched} = this.terms;
    for (const tile of batched.tiles) this.consider(batched, tile, problem);
  }

  private consider(launch: LaunchTerms, tile: Tile, problem: Problem): void {
    this.compare(launch, tile, 1, problem);
    if (tile.max_splits === 1) return;
    // Worth a look are the splits that fill the device once or twice.
    const fill = (this.facts.sms * tile.blocks_per_sm) / blocksOf(tile, 1, problem);
    for (let waves = 1; waves <= 2; waves++) {
      const splits = Math.min(tile.max_splits, Math.floor(waves * fill));
      if (splits > 1) this.compare(launch, tile, splits, problem);
    }
  }

  private compare(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): void {
    const ns = this.tileNs(launch, tile, splits, problem);
    if (ns >= this.ns) return;
    this.launch = launch;
    this.tile = tile;
    this.splits = splits;
    this.ns = ns;
  }

  /** Time to move the operands of a launch between DRAM and L2. */
  private movingNs(launch: LaunchTerms, tile: Tile, splits: number, problem: Problem): number {
    const {bytesPerElement, facts} = this;
    const {memory} = launch;
    const {batch, m, n, k} = problem;
    const a = bytesPerElement * m * k;
    const b = bytesPerElement * k * n;
    const c = bytesPerElement * m * n;
    const miss = this.missRate(batch * (a + b + c));
    // Blocks start along a row of tiles first: the tiles of B that run together, and the rows of tiles of A.
    const resident = facts.sms * tile.blocks_per_sm;
    const across = Math.ceil(n / tile.columns);
    const down = Math.ceil(m / tile.rows);
    const passesOfA = Math.max(1, across / resident);
    const passesOfB = Math.max(1, down / Math.max(1, resident / across));
    // A pass after the first finds in L2 what is small enough.
    const readA = a * (1 + (passesOfA - 1) * this.missRate(a));
    const readB = b * (1 + (passesOfB - 1) * this.missRate(b));
    // Where k is the operand's long side, a tile reads short pieces of many rows, which wastes bandwidth.
    const pieces = k / (k + memory.scatter_k);
    const costA = memory.a + memory.a_scatter * pieces;
    const costB = memory.b + memory.b_scatter * pieces;
    // Every part of a split k is written out and read again.
    const partials = splits > 1 ? 2 * splits * c : 0;
    const bytes =
      batch * (miss * (costA * readA + costB * readB + memory.c * c) + memory.partials * partials);
    return bytes / facts.dramBytesPerNs;
  }

  private groupedTileNs(launch: LaunchTerms, tile: Tile, problems: readonly Problem[]): number {
    let blocks = 0;
    let blockSteps = 0;
    let longest = 0;
    let moving = 0;
    let bytes = 0;
    for (const problem of problems) {
      const {batch, m, n, k} = problem;
      const own = blocksOf(tile, 1, problem);
      const steps = stepsOf(k, 1);
      blocks += own;
      blockSteps += own * steps;
      longest = Math.max(longest, steps);
      moving += this.movingNs(launch, tile, 1, problem);
      bytes += this.bytesPerElement * batch * (m * k + k * n + m * n);
    }
    const miss = this.missRate(bytes);
    const computing = Math.max(
      this.computingNs(tile, blocks, blockSteps / blocks, miss),
      this.computingNs(tile, 1, longest, miss),
    );
    return launch.launch_ns + overlapped(computing, moving, launch.memory.exposed);
  }

  /** Waves of blocks over the SMs, by the fullest SM. */
  private computingNs(tile: Tile, blocks: number, steps: number, miss: number): number {
    const {sms, clockRatio} = this.facts;
    const slots = tile.blocks_per_sm;
    const latency = tile.l2_step_ns + miss * (tile.dram_step_ns - tile.l2_step_ns);
    const perSm = Math.ceil(blocks / sms);
    const fullWaves = Math.floor(perSm / slots);
    const rest = perSm - fullWaves * slots;
    let ns = fullWaves * (tile.block_ns + steps * Math.max(latency, slots * tile.step_ns));
    if (rest > 0) ns += tile.block_ns + steps * Math.max(latency, rest * tile.step_ns);
    return ns / clockRatio;
  }

  /** Share of the operands' bytes that L2 does not keep from one launch to the next. */
  private missRate(bytes: number): number {
    const relative = bytes / this.facts.l2Bytes;
    return (relative * relative) / (1 + relative * relative);
  }
}

function blocksOf(tile: Tile, splits: number, problem: Problem): number {
  return problem.batch * Math.ceil(problem.m / tile.rows) * Math.ceil(problem.n / tile.columns) * splits;
}

/** Steps in k of one block; the kernels' inner loops take 8 at a time. */
function stepsOf(k: number, splits: number): number {
  return 8 * Math.ceil(k / splits / 8);
}

/** The longer of two times and what it does not hide of the shorter. */
function overlapped(a: number, b: number, exposed: number): number {
  return Math.max(a, b) + exposed * Math.min(a, b);
}
