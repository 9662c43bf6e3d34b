import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {SpecOf} from './schema.ts';
import {TimeList} from './timeList.ts';

/** The given times before `end`, over and over where the spec repeats. */
export function replay({at, repeat}: SpecOf<'trace'>, end: Nanoseconds): Float64Array {
  const rounds = repeat === undefined ? 1 : Math.ceil(end / repeat);
  const times = new TimeList(rounds * at.length);
  for (let round = 0; round < rounds; round++) {
    for (const time of at) {
      const shifted = round === 0 ? time : round * repeat! + time;
      if (shifted < end) times.push(shifted);
    }
  }
  return times.take();
}
