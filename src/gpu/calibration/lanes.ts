// Lanes side by side: each repeats a captured graph, so that the host does not hold them up.
import type {Bench} from './bench.ts';
import type {Session} from './session.ts';
import {workKey} from './work.ts';
import type {Work} from './work.ts';

/** What each of several lanes achieved at once. */
export interface LaneRun {
  /** The work of each lane. */
  readonly works: readonly Work[];
  /** Time per launch on each lane, in ns. */
  readonly perLaunchNs: readonly number[];
}

/** A graph takes about this long alone: long beside the ten microseconds of launching it. */
const graphNs = 400e3;
/** How long lanes run side by side, and the completions that each lane has to have at least. */
const runNs = 25e6;
const leastCompletions = 6;
/** Graph launches that a lane holds. */
const depth = 2;

/** How long lanes run, their graphs take alone, and the launches that a graph has at least. */
export interface LaneRunLength {
  readonly graphNs: number;
  readonly runNs: number;
  readonly leastLaunches: number;
}
const usualLength: LaneRunLength = {graphNs, runNs, leastLaunches: 4};

/** Keeps all lanes busy, lane i with `works[i]`, and takes the time per launch of each in the steady state. */
export function runLanes(
  bench: Bench,
  works: readonly Work[],
  soloNs: readonly number[],
  {graphNs, runNs, leastLaunches}: LaneRunLength = usualLength,
): number[] {
  const {context, nowNs} = bench;
  const captured: {graph: number; count: number}[] = [];
  try {
    works.forEach((work, lane) => {
      const launches = Math.min(256, Math.max(leastLaunches, Math.ceil(graphNs / soloNs[lane])));
      captured.push(bench.capture(work, launches, lane));
    });
    const {flags} = context;
    const inFlight = works.map((): number[] => []);
    const launch = (lane: number): void => {
      const ticket = bench.ticket(lane);
      context.launchGraph(lane, ticket, captured[lane].graph);
      inFlight[lane].push(ticket);
    };
    const first = works.map(() => NaN);
    const last = works.map(() => NaN);
    const seen = works.map(() => -1);
    for (let i = 0; i < depth; i++) works.forEach((_, lane) => launch(lane));
    const begin = nowNs();
    let looks = 0;
    for (;;) {
      let isOver = true;
      const now = nowNs();
      for (let lane = 0; lane < works.length; lane++) {
        const done = Atomics.load(flags, lane);
        const queue = inFlight[lane];
        while (queue.length > 0 && ((done - queue[0]) | 0) >= 0) {
          queue.shift();
          seen[lane]++;
          // The first completion of a lane may have run while others had not begun.
          if (seen[lane] === 1) first[lane] = now;
          else if (seen[lane] > 1) last[lane] = now;
          launch(lane);
        }
        if (seen[lane] < leastCompletions) isOver = false;
      }
      if (isOver && now - begin > runNs) break;
      if (++looks % 65_536 === 0) works.forEach((_, lane) => context.query(lane));
    }
    inFlight.forEach((queue, lane) => {
      bench.waitFor(lane, queue[queue.length - 1]);
    });
    return works.map((_, lane) => (last[lane] - first[lane]) / (seen[lane] - 1) / captured[lane].count);
  } finally {
    context.synchronize();
    for (const {graph} of captured) context.destroyGraph(graph);
  }
}

/**
 * Equal work on 1, 2, 3, ... lanes, then pairs and fours of different work. Runs of one lane are what the others are
 * compared with.
 */
export async function measureLanes(
  bench: Bench,
  works: readonly Work[],
  session: Session,
  until: number,
): Promise<LaneRun[]> {
  const runs: LaneRun[] = [];
  const alone = new Map<string, number>();
  const run = async (chosen: readonly Work[]): Promise<LaneRun | null> => {
    const result = await session.measure(`lanes ${chosen.map(workKey).join(' | ')}`, () => ({
      works: chosen,
      perLaunchNs: runLanes(
        bench,
        chosen,
        chosen.map((work) => alone.get(workKey(work)) ?? 20e3),
      ),
    }));
    if (result !== null) runs.push(result);
    return result;
  };
  for (const work of works) {
    if (!bench.isPossible(work)) continue;
    const one = await run([work]);
    if (one !== null) alone.set(workKey(work), one.perLaunchNs[0]);
  }
  const known = works.filter((work) => alone.has(workKey(work)));
  for (const count of [2, 4, 8, 3, 6, 16]) {
    if (count > bench.lanes) continue;
    for (const work of known) if (session.used < until) await run(Array<Work>(count).fill(work));
  }
  for (let i = 0; i < known.length; i++) {
    for (let j = 0; j < i; j++) if (session.used < until) await run([known[i], known[j]]);
  }
  for (let i = 0; i + 3 < known.length && bench.lanes >= 4; i++) {
    if (session.used < until) await run(known.slice(i, i + 4));
  }
  return runs;
}
