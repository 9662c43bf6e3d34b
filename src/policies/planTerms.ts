import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Programs} from '../scheduler/programs.ts';
import type {Costs} from '../scheduler/costs.ts';
import {kindOf} from '../scheduler/launchKinds.ts';
import {wholePeriods} from '../scheduler/period.ts';
import {ProgramTotals} from './programTotals.ts';

/** Sizes that are looked at, and some between (`sizesOf`): each, then in steps of a quarter to an eighth. */
const sizes = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224,
  256, 320, 384, 448, 512, 640, 768, 896, 1024,
] as const;

/** Who joins a launch should go its way for so many kernels; for fewer it is hardly worth it. */
const stepsTogether = 4;

/** How often the host has to do with a launch, and with each of its members: when it is made, and when it has ended. */
const hostTimes = 2;

/** Entries of a record of terms: a line of a cache. */
export const termsWidth = 8;
/** The first record of a position: kernels from there on, those of the whole program, the share of them like this one. */
export const leftAt = 0;
export const lengthAt = 1;
export const recurringAt = 2;
/** The record of each size that is looked at, in order, a width each: totals from the position on, as in `Totals`. */
export const durationAt = 0;
export const smAt = 1;
export const bandwidthAt = 2;
export const followAt = 3;
/** The method and the kind of launch, in one number, as a record has no more room in its line of the cache: `methodIn`, `kindIn`. */
export const howAt = 4;
/** Host time of deciding about and submitting the first kernel; the most steps that a launch may have. */
export const submitAt = 5;
export const mostStepsAt = 6;
/** That size. */
export const sizeAt = 7;

/** There are fewer methods; a power of two. */
const mostMethods = 8;
export const methodIn = (how: number): number => how & (mostMethods - 1);
export const kindIn = (how: number): number => (how / mostMethods) | 0;

/**
 * By position in a program: what a plan is worked out from that does not change during a run. Of one position it lies
 * together, size by size, so that a plan that is made after a while meets few lines of memory that are cold.
 */
export class PlanTerms {
  private readonly programs: Programs;
  private readonly costs: Costs;
  private readonly totals: ProgramTotals;
  private readonly maxSize: number;
  private readonly quantumNs: Nanoseconds;
  private readonly terms: (Float64Array | undefined)[] = [];
  /** By cursor, two entries: one more than the first of its run of equal kernels, 0 until it is found; how many kernels are left. */
  private places = new Int32Array(2048);
  /** By class: the sizes that are looked at where its kernel is the first. */
  private readonly sizesOfClass: (readonly number[] | undefined)[] = [];

  constructor(programs: Programs, costs: Costs, maxSize: number, quantumNs: Nanoseconds) {
    this.programs = programs;
    this.costs = costs;
    this.totals = new ProgramTotals(programs, costs);
    this.maxSize = maxSize;
    this.quantumNs = quantumNs;
  }

  /**
   * The first of the run of equal kernels that `cursor` is in. Streams anywhere in it coalesce with each other, so that they need
   * one plan: with one for each place those with little before them would run in large launches, as if all were there, and the
   * others in small ones.
   */
  first(cursor: number): number {
    return this.places[this.placeOf(cursor)] - 1;
  }

  /** After how many kernels the program of `cursor` repeats itself. */
  period(cursor: number): number {
    return this.programs.periods[cursor];
  }

  /** How many kernels are left from `cursor` on, itself included. */
  left(cursor: number): number {
    return this.places[this.placeOf(cursor) + 1];
  }

  /** Where the entries of `cursor` are, which are found at the first time. */
  private placeOf(cursor: number): number {
    const at = 2 * cursor;
    if (at < this.places.length && this.places[at] > 0) return at;
    const {programs} = this;
    const {classes} = programs;
    if (at >= this.places.length) {
      const {places} = this;
      this.places = new Int32Array(2 * at);
      this.places.set(places);
    }
    let first = cursor;
    while (first > 0 && classes[first - 1] === classes[cursor]) first--;
    this.places[at] = first + 1;
    this.places[at + 1] = programs.kernelsLeft(cursor);
    return at;
  }

  /** The terms of streams whose next kernel is at `cursor`, of all sizes that a launch may have. */
  of(cursor: number): Float64Array {
    return this.terms[cursor] ?? this.make(cursor);
  }

  private make(cursor: number): Float64Array {
    const {programs, costs, totals, maxSize} = this;
    const {classes} = programs;
    const looked = (this.sizesOfClass[classes[cursor]] ??= sizesOf(classes[cursor], maxSize, costs));
    const terms = new Float64Array((looked.length + 1) * termsWidth);
    const kernels = programs.kernelsLeft(cursor);
    terms[leftAt] = kernels;
    terms[lengthAt] = this.length(cursor, kernels);
    terms[recurringAt] = this.recurrence(cursor, kernels);
    const of = {durationNs: 0, smNs: 0, bandwidthNs: 0, followNs: 0, method: 0};
    for (const [i, size] of looked.entries()) {
      const at = (i + 1) * termsWidth;
      totals.read(cursor, size, of);
      terms[at + sizeAt] = size;
      terms[at + durationAt] = of.durationNs;
      terms[at + smAt] = of.smNs;
      terms[at + bandwidthAt] = of.bandwidthNs;
      terms[at + followAt] = of.followNs;
      terms[at + howAt] = of.method + mostMethods * kindOf(classes[cursor], size, of.method, costs);
      terms[at + submitAt] =
        costs.submitNs(classes[cursor], size, of.method) +
        hostTimes * (costs.launchNs + costs.memberNs * (size - 1));
      terms[at + mostStepsAt] = this.withinQuantum(cursor, size, kernels, of.durationNs);
    }
    return (this.terms[cursor] = terms);
  }

  /** The most steps that a launch may have: those left, or what the quantum holds, in whole periods of the program or else a power of two. */
  private withinQuantum(cursor: number, size: number, kernels: number, durationNs: Nanoseconds): number {
    const {quantumNs} = this;
    const fits = this.totals.within(cursor, size, kernels, quantumNs);
    // What is left over is not cut off where it is less than half a quantum.
    if (fits >= kernels || durationNs <= 1.5 * quantumNs) return kernels;
    const period = this.programs.periods[cursor];
    return period > 1 && fits >= period ? wholePeriods(period, fits) : 2 ** (31 - Math.clz32(fits));
  }

  /** How many kernels the whole program has. */
  private length(cursor: number, left: number): number {
    const {classes} = this.programs;
    let begin = cursor;
    while (begin > 0 && classes[begin - 1] >= 0) begin--;
    return cursor - begin + left;
  }

  /** The share of the kernels from here on that begin as this one does: how likely a newcomer finds one to join. */
  private recurrence(cursor: number, left: number): number {
    const {programs} = this;
    let same = 0;
    for (let i = 1; i < left; i++) {
      const most = Math.min(stepsTogether, left - i);
      if (programs.agreement(cursor, cursor + i, most) >= most) same++;
    }
    return left === 1 ? 1 : same / (left - 1);
  }
}

/**
 * Each of `sizes`, and up to the next one the size with the least time for each member: the last one before the device takes
 * another round of blocks. Batches of 256x128x1152 take 66 us up to 33 on an H200, and 99 from 34 on (calibrated, FP32). The first kernel
 * stands for all: chains repeat it, and models whose layers differ have no such steps in common.
 */
function sizesOf(cls: number, maxSize: number, costs: Costs): number[] {
  const found: number[] = [];
  for (let i = 0; sizes[i] <= maxSize; i++) {
    const next = Math.min(maxSize + 1, sizes[i + 1] ?? Infinity);
    let best = sizes[i];
    let least = Infinity;
    for (let size = best; size < next; size++) {
      const ns = costs.bestNs(cls, size) / size;
      if (ns > least) continue;
      least = ns;
      best = size;
    }
    found.push(sizes[i]);
    if (best > sizes[i]) found.push(best);
  }
  return found;
}
