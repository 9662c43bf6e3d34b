// Markov-modulated Poisson processes, on-off sources among them, started in their stationary state.
import {randomExponential} from 'd3-random';
import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Random} from '../random.ts';
import type {SpecOf} from './schema.ts';
import {TimeList} from './timeList.ts';

interface State {
  /** Requests per second. */
  readonly rate: number;
  /** Mean time in the state. */
  readonly sojourn: Nanoseconds;
}

/** The states of a modulated process; an on-off source has two. */
export function statesOf(spec: SpecOf<'on-off' | 'mmpp'>): readonly State[] {
  if (spec.process === 'mmpp') return spec.states;
  return [
    {rate: spec.onRate, sojourn: spec.on},
    {rate: spec.offRate, sojourn: spec.off},
  ];
}

/**
 * Requests per second in the long run. Every state is visited equally often, because each of the others is equally
 * likely to follow, so states weigh by their sojourns.
 */
export function modulatedRate(states: readonly State[]): number {
  const total = states.reduce((sum, {sojourn}) => sum + sojourn, 0);
  return states.reduce((sum, {rate, sojourn}) => sum + (rate * sojourn) / total, 0);
}

/** The state at a moment chosen at random. */
function drawState(states: readonly State[], random: Random): number {
  let left = random() * states.reduce((sum, {sojourn}) => sum + sojourn, 0);
  for (let i = 0; i < states.length - 1; i++) {
    left -= states[i].sojourn;
    if (left < 0) return i;
  }
  return states.length - 1;
}

/** Arrivals of a modulated process in [0, end). */
export function drawModulated(
  spec: SpecOf<'on-off' | 'mmpp'>,
  end: Nanoseconds,
  random: Random,
): Float64Array {
  const states = statesOf(spec);
  const exponential = randomExponential.source(random)(1);
  const times = new TimeList((end / 1e9) * modulatedRate(states));
  let state = drawState(states, random);
  for (let start = 0; start < end;) {
    const {rate, sojourn} = states[state];
    const leave = Math.min(end, start + exponential() * sojourn);
    const gap = 1e9 / rate;
    if (rate > 0)
      for (let at = start + exponential() * gap; at < leave; at += exponential() * gap) times.push(at);
    start = leave;
    const other = Math.floor(random() * (states.length - 1));
    state = other < state ? other : other + 1;
  }
  return times.take();
}
