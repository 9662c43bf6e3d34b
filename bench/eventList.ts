import type {Benchmark} from './benchmark.ts';
import type {EventListRun, EventListRunOptions} from './eventListRun.ts';
import {interleave, median, medianRatio, runScript} from './measure.ts';
import type {Contender} from './measure.ts';

const sizes = [10, 100, 1000, 10_000];
const holds = 2e6;

/** The arrival heap against the priority queue of js-sdsl. Lanes need none: a device scans the few that are busy. */
export const eventList: Benchmark = {
  name: 'event-list',
  summary: 'the heap of closed-loop arrivals against js-sdsl, by pending events',
  async run({rounds, log}) {
    const contenders = sizes.flatMap((pending) =>
      (['arrivals', 'js-sdsl'] as const).map((list): Contender<EventListRun> => {
        const options: EventListRunOptions = {list, pending, holds};
        return {
          name: `${list} ${pending}`,
          measure: () => runScript('./eventListRun.js', [JSON.stringify(options)]),
        };
      }),
    );
    const runs = await interleave(contenders, rounds, log);
    const rows = sizes.map((pending) => {
      const [ours, theirs] = (['arrivals', 'js-sdsl'] as const).map((list) =>
        runs.get(`${list} ${pending}`)!,
      );
      if (ours[0].checksum !== theirs[0].checksum)
        throw new Error(`the lists disagree at ${pending} pending events`);
      const ns = (of: EventListRun[]): number[] => of.map(({nsPerHold}) => nsPerHold);
      return [
        String(pending),
        median(ns(ours)).toFixed(0),
        median(ns(theirs)).toFixed(0),
        medianRatio(ns(theirs), ns(ours)).toFixed(2),
      ];
    });
    return {
      title: 'Event list: CPU ns per hold (take the first, schedule another)',
      columns: ['pending', 'arrival heap', 'js-sdsl', 'js-sdsl / heap'],
      rows,
      notes: [`medians of ${rounds} rounds; both lists gave the same order of events`],
      data: Object.fromEntries(runs),
    };
  },
};
