// Renewal processes (independent gaps of one distribution), started in their stationary state.
import {randomExponential, randomGamma, randomWeibull} from 'd3-random';
import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Random} from '../random.ts';
import {logGamma} from './gammaFunction.ts';
import type {SpecOf} from './schema.ts';
import {TimeList} from './timeList.ts';

/** Gaps between arrivals, in units of their mean. */
export interface Gaps {
  /** Draws a gap. */
  next(): number;
  /**
   * Draws the time from a moment chosen at random to the next arrival: U X with X drawn from the gaps by length. A
   * process that began with a whole gap instead would bring (cv^2 - 1) / 2 arrivals too many, which for bursty ones
   * is far more than a short run expects.
   */
  first(): number;
}

/** Exponential gaps. */
export function exponentialGaps(random: Random): Gaps {
  const next = randomExponential.source(random)(1);
  return {next, first: next};
}

/** Gamma gaps of a coefficient of variation. Drawn by length, a gamma variable has a shape greater by 1. */
export function gammaGaps(cv: number, random: Random): Gaps {
  const shape = 1 / (cv * cv);
  const byLength = randomGamma.source(random)(shape + 1, 1 / shape);
  return {next: randomGamma.source(random)(shape, 1 / shape), first: () => random() * byLength()};
}

/** Weibull gaps of a shape. Drawn by length, (x / scale)^shape is a gamma variable of shape 1 + 1 / shape. */
export function weibullGaps(shape: number, random: Random): Gaps {
  const scale = Math.exp(-logGamma(1 + 1 / shape));
  const byLength = randomGamma.source(random)(1 + 1 / shape);
  return {
    next: randomWeibull.source(random)(shape, 0, scale),
    first: () => random() * scale * byLength() ** (1 / shape),
  };
}

/** The coefficient of variation of Weibull gaps. */
export function weibullCv(shape: number): number {
  return Math.sqrt(Math.expm1(logGamma(1 + 2 / shape) - 2 * logGamma(1 + 1 / shape)));
}

/** The Weibull shape of a coefficient of variation, by bisection: cv falls as the shape rises. */
export function weibullShape(cv: number): number {
  let low = Math.log(0.02);
  let high = Math.log(1000);
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (weibullCv(Math.exp(middle)) > cv) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** The gaps of a renewal process as its spec describes them. */
export function gapsOf(spec: SpecOf<'poisson' | 'gamma' | 'weibull'>, random: Random): Gaps {
  if (spec.process === 'poisson') return exponentialGaps(random);
  if (spec.process === 'gamma') return gammaGaps(spec.cv, random);
  return weibullGaps(spec.shape ?? weibullShape(spec.cv!), random);
}

/** Arrivals in [start, end) with gaps of a mean in nanoseconds, appended to `times`. */
export function pushRenewal(
  gaps: Gaps,
  meanNs: number,
  start: Nanoseconds,
  end: Nanoseconds,
  times: TimeList,
): void {
  for (let at = start + gaps.first() * meanNs; at < end; at += gaps.next() * meanNs) times.push(at);
}

/** Arrivals of a renewal process in [0, end). */
export function drawRenewal(
  spec: SpecOf<'poisson' | 'gamma' | 'weibull'>,
  end: Nanoseconds,
  random: Random,
): Float64Array {
  const times = new TimeList((end / 1e9) * spec.rate);
  pushRenewal(gapsOf(spec, random), 1e9 / spec.rate, 0, end, times);
  return times.take();
}
