// Which tile the library takes for a GEMM, and what follows from it: the time of a launch and its share of the device.
import {bytesOf} from '../scheduler/kernel.ts';
import type {DataType} from '../scheduler/kernel.ts';
import {Alternation} from './alternation.ts';
import type {DeviceProfile, GemmTerms, LaunchTerms, Tile} from './profile.ts';
import {alike} from './tiles.ts';
import {TileTime, overlapped, stepsOf} from './tileTime.ts';
import type {DeviceFacts, Problem} from './tileTime.ts';

/** Which of the library's kernels a launch may use. */
export type LaunchKind = 'single' | 'batched' | 'grouped';

/** Two tiles of a launch that take turns, and their places among its tiles. */
interface Turns {
  readonly usual: number;
  readonly full: number;
  readonly alternation: Alternation;
}

/**
 * The time of a GEMM launch. The library is taken to choose the tile that is fastest, as its heuristics try to, but for
 * tiles that are known to take turns; `TileTime` says how fast each is. For given m, n and k no time falls as the batch
 * grows.
 */
export class GemmModel {
  private readonly terms: GemmTerms;
  private readonly facts: DeviceFacts;
  private readonly bytesPerElement: number;
  /** The problem as it is, and with C' = B' A' computed instead. */
  private readonly plain: TileTime;
  private readonly turned: TileTime;
  /** By launch and size of the problem: the place of the tile that won last. */
  private readonly winners = {single: winnersBySize(), batched: winnersBySize(), grouped: winnersBySize()};
  private readonly turns: Readonly<Record<LaunchKind, Turns | undefined>>;
  /** What the last `search` found: the fastest tile, plain or turned, and its place among both. */
  private tile!: Tile;
  private tileTime: TileTime;
  private index = 0;
  private splits = 1;
  private ns = 0;

  constructor(terms: GemmTerms, facts: DeviceFacts, bytesPerElement: number) {
    this.terms = terms;
    this.facts = facts;
    this.bytesPerElement = bytesPerElement;
    this.plain = new TileTime(facts, bytesPerElement);
    this.turned = new TileTime(facts, bytesPerElement);
    this.tileTime = this.plain;
    const turnsOf = ({alternation, tiles}: LaunchTerms): Turns | undefined => {
      if (alternation === undefined) return undefined;
      const placeOf = (wanted: string): number => tiles.findIndex(({name}) => name === wanted);
      const usual = placeOf(alternation.usual);
      const full = placeOf(alternation.full);
      // A figure may leave a library one tile only.
      if (usual < 0 || full < 0) return undefined;
      return {usual, full, alternation: new Alternation(alternation.wave * facts.sms)};
    };
    this.turns = {
      single: turnsOf(terms.single),
      batched: turnsOf(terms.batched),
      grouped: turnsOf(terms.grouped),
    };
  }

  /** Time in ns of one product launched alone. */
  singleNs(problem: Problem): number {
    return this.search('single', problem);
  }

  /** Time in ns of a batched launch whose operands lie at equal distances. */
  stridedNs(problem: Problem): number {
    return this.search('batched', problem);
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

  /** Time in ns of a launch with a given tile and split of k. */
  tileNs(launch: LaunchTerms, tile: Tile, splits: number, {batch, m, n, k}: Problem): number {
    this.plain.load(launch, batch, m, n, k);
    this.plain.take(tile);
    return this.plain.ns(splits);
  }

  /** The tile that the model takes for a launch, by name, and into how many parts it splits k. */
  choice(problem: Problem, kind: LaunchKind): {tile: string; splits: number} {
    this.search(kind, problem);
    return {tile: this.tile.name, splits: this.splits};
  }

  /** Blocks of a launch over the blocks that the device holds at once. */
  waves(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    return this.blocksFound(problem) / (this.facts.sms * this.tile.blocks_per_sm);
  }

  /** Share (0 to 1] of the SMs that a launch takes alone: of resident blocks or of the arithmetic. */
  smShare(problem: Problem, kind: LaunchKind): number {
    this.search(kind, problem);
    const {tile, splits, ns, facts} = this;
    const blocks = this.blocksFound(problem);
    const resident = blocks / (facts.sms * tile.blocks_per_sm);
    const steps = stepsOf(problem.k, splits);
    const arithmetic = (blocks * steps * tile.step_ns) / facts.clockRatio / facts.sms / ns;
    return Math.min(1, Math.max(resident, arithmetic));
  }

  /** Share (0 to 1] of the DRAM bandwidth that a launch takes alone: it tells what neighbours leave each other. */
  bandwidthShare(problem: Problem, kind: LaunchKind): number {
    const launch = this.terms[kind];
    this.search(kind, problem);
    const {batch, m, n, k} = problem;
    const {tileTime} = this;
    if (tileTime === this.turned) tileTime.loadShared(launch, batch, n, m, k);
    else tileTime.loadShared(launch, batch, m, n, k);
    tileTime.take(this.tile);
    return Math.min(1, tileTime.movingNs(this.splits) / this.ns);
  }

  private blocksFound({batch, m, n}: Problem): number {
    const {rows, columns} = this.tile;
    const [down, across] = this.tileTime === this.turned ? [n, m] : [m, n];
    return batch * Math.ceil(down / rows) * Math.ceil(across / columns) * this.splits;
  }

  /**
   * Finds the tile of a launch, and returns its time in ns: of two tiles that take turns the one whose turn it is, unless
   * any other is faster.
   */
  private search(kind: LaunchKind, problem: Problem): number {
    const turns = this.turns[kind];
    const launch = this.terms[kind];
    if (turns === undefined || !this.takeTurn(launch, turns, problem))
      return this.searchFastest(kind, problem);
    for (let place = 0; place < launch.tiles.length; place++)
      if (place !== turns.usual && place !== turns.full) this.workOut(launch, place);
    return this.ns;
  }

  /**
   * Takes the tile whose turn it is, if both cut C into equally many blocks; else says no. Where a turn ends the library's
   * next tile may be faster, so that a launch of more members takes less. The model lets no time fall: it takes the mean
   * (geometric) of the least and the most that makes of the library's times a curve that never falls, which are the time
   * itself or that of the other tile where its last turn ended, its next begins.
   */
  private takeTurn(launch: LaunchTerms, turns: Turns, {batch, m, n, k}: Problem): boolean {
    const {alternation} = turns;
    const usual = launch.tiles[turns.usual];
    const full = launch.tiles[turns.full];
    const perProduct = blocksPerProduct(usual, m, n);
    if (perProduct !== blocksPerProduct(full, m, n)) return false;
    alternation.lookAt(batch * perProduct);
    const {isFull, since, until} = alternation;
    const own = isFull ? full : usual;
    const other = isFull ? usual : full;
    const next = this.blocksNs(launch, other, until / perProduct, m, n, k);
    const last = since === 0 ? 0 : this.blocksNs(launch, other, since / perProduct, m, n, k);
    const ns = this.blocksNs(launch, own, batch, m, n, k);
    this.tile = own;
    this.tileTime = this.plain;
    this.index = isFull ? turns.full : turns.usual;
    this.splits = 1;
    this.ns = Math.sqrt(Math.max(ns, last) * Math.min(ns, next));
    return true;
  }

  /** Time in ns of a launch of a tile, k in one part; between whole batches, where turns end, too. */
  private blocksNs(launch: LaunchTerms, tile: Tile, batch: number, m: number, n: number, k: number): number {
    this.plain.load(launch, batch, m, n, k);
    this.plain.take(tile);
    return this.plain.ns(1);
  }

  /**
   * Finds the fastest tile of a launch, and returns its time in ns. The tile that won for a problem of about this size
   * comes first: the bounds of most others are above its time, and they need not be worked out.
   */
  private searchFastest(kind: LaunchKind, {batch, m, n, k}: Problem): number {
    const launch = this.terms[kind];
    const winners = this.winners[kind];
    const size = sizeOf(m, n, k);
    let places = launch.tiles.length;
    this.plain.load(launch, batch, m, n, k);
    if (launch.transposable && m !== n) {
      this.turned.load(launch, batch, n, m, k);
      places *= 2;
    }
    this.ns = Infinity;
    this.index = 0;
    const first = Math.min(winners[size], places - 1);
    this.workOut(launch, first);
    for (let place = 0; place < places; place++) if (place !== first) this.workOut(launch, place);
    winners[size] = this.index;
    return this.ns;
  }

  /** Works out the times of a tile, by its place among plain and turned ones, as far as their bounds let it win. */
  private workOut(launch: LaunchTerms, place: number): void {
    const {tiles} = launch;
    const isPlain = place < tiles.length;
    const tile = tiles[isPlain ? place : place - tiles.length];
    const tileTime = isPlain ? this.plain : this.turned;
    // A little above what is to beat: of equal times the first tile wins, plain before turned, whatever came first here.
    let limit = this.ns * (1 + Number.EPSILON);
    if (!tileTime.take(tile, limit)) return;
    if (tile.taken_up_to !== undefined && tileTime.blocks > tile.taken_up_to * this.facts.sms) return;
    let splits = 0;
    if (tileTime.leastNs < limit) {
      const ns = tileTime.ns(1);
      if (ns < limit) {
        limit = ns;
        splits = 1;
      }
    }
    if (tileTime.leastSplitNs < limit) {
      const ns = tileTime.fastestSplit(limit);
      if (ns < limit) {
        limit = ns;
        splits = tileTime.splits;
      }
    }
    if (splits === 0 || limit > this.ns || (limit === this.ns && place > this.index)) return;
    this.tile = tile;
    this.tileTime = tileTime;
    this.index = place;
    this.splits = splits;
    this.ns = limit;
  }

  private groupedTileNs(launch: LaunchTerms, tile: Tile, problems: readonly Problem[]): number {
    const tileTime = this.plain;
    let bytes = 0;
    for (const {batch, m, n, k} of problems) bytes += this.bytesPerElement * batch * (m * k + k * n + m * n);
    let blocks = 0;
    let blockSteps = 0;
    let moving = 0;
    let alone = 0;
    for (const problem of problems) {
      tileTime.loadPart(launch, problem, bytes);
      tileTime.take(tile);
      const own = tileTime.blocks;
      blocks += own;
      blockSteps += own * tileTime.stepsOfBlock(1);
      alone = Math.max(alone, tileTime.computingNs(1));
      moving += tileTime.movingNs(1);
    }
    const together = tileTime.wavesNs(blocks, blockSteps / blocks);
    return launch.launch_ns + overlapped(Math.max(together, alone), moving, launch.memory.exposed);
  }
}

function blocksPerProduct({rows, columns}: Tile, m: number, n: number): number {
  return Math.ceil(m / rows) * Math.ceil(n / columns);
}

/** Sizes of a side that are told apart: powers of two. */
const sizes = 16;

function winnersBySize(): Uint8Array {
  return new Uint8Array(sizes ** 3);
}

/** A number for all problems of about this size; what is no size counts as 1. */
function sizeOf(m: number, n: number, k: number): number {
  return (sizeOfSide(m) * sizes + sizeOfSide(n)) * sizes + sizeOfSide(k);
}

function sizeOfSide(length: number): number {
  return Math.min(sizes - 1, 31 - Math.clz32(length | 1));
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
