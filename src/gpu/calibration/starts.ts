// How fast kernels can start one after another, over all lanes together.
import type {Bench} from './bench.ts';
import {tiny} from './calls.ts';
import {runLanes} from './lanes.ts';
import type {Session} from './session.ts';
import type {Work} from './work.ts';

/** Tiny kernels on lanes that always hold more. */
export interface Starts {
  /** Time per kernel over all lanes in ns, by how many lanes there were, ascending. */
  readonly byLanes: readonly (readonly [lanes: number, ns: number])[];
  /** The least of them. */
  readonly intervalNs: number;
}

const work: Work = {kernel: tiny, size: 1, method: 'single'};
const laneCounts = [1, 2, 4, 8, 16];
/** So many kernels in a graph that one thread launches graphs for all lanes faster than they end. */
const run = {graphNs: 0, runNs: 10e6, leastLaunches: 64};

export function measureStarts(bench: Bench, session: Session): Promise<Starts | null> {
  return session.measure('starts', () => {
    const byLanes = laneCounts
      .filter((lanes) => lanes <= bench.lanes)
      .map((lanes): [number, number] => {
        const works = Array.from({length: lanes}, () => work);
        const rates = runLanes(
          bench,
          works,
          works.map(() => 1),
          run,
        ).map((ns) => 1 / ns);
        return [lanes, 1 / rates.reduce((sum, rate) => sum + rate, 0)];
      });
    return {byLanes, intervalNs: Math.min(...byLanes.map(([, ns]) => ns))};
  });
}
