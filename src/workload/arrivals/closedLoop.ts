import {randomExponential, randomGamma, randomLogNormal, randomUniform} from 'd3-random';
import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Random} from '../random.ts';
import type {ClosedSpec, SpecOf} from './schema.ts';

/** Clients that wait for their answers: `outstanding` of them, each with one request in the system or thinking. */
export interface ClosedLoop {
  readonly outstanding: number;
  /** Draws the whole nanoseconds between an answer and the client's next request; 0 where it does not think. */
  thinkNs(random: Random): Nanoseconds;
}

/** The closed loop of a spec. */
export function closedLoop(spec: ClosedSpec): ClosedLoop {
  const {outstanding} = spec;
  if (spec.process === 'saturated') return {outstanding, thinkNs: () => 0};
  // d3 binds a distribution to its source, so the stream of each call is handed through this one.
  let stream: Random;
  const draw = thinkTimes(spec.think, () => stream());
  return {
    outstanding,
    thinkNs(random) {
      stream = random;
      return Math.round(draw());
    },
  };
}

function thinkTimes(think: SpecOf<'closed-loop'>['think'], source: Random): () => number {
  if (typeof think === 'number') return () => think;
  const {mean} = think;
  if (!('cv' in think)) {
    if (think.distribution === 'constant') return () => mean;
    if (think.distribution === 'uniform') return randomUniform.source(source)(0, 2 * mean);
    return randomExponential.source(source)(1 / mean);
  }
  const variance = think.cv ** 2;
  if (think.distribution === 'gamma') return randomGamma.source(source)(1 / variance, mean * variance);
  const sigma2 = Math.log1p(variance);
  return randomLogNormal.source(source)(Math.log(mean) - sigma2 / 2, Math.sqrt(sigma2));
}
