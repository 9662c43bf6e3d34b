// How long an operation takes on the device. TensorFlow.js tells no device times, so that the end is seen by reading.
import type {Tensor, TensorFlow} from './library.ts';

/** Duration of one operation in a row of its equals. */
export interface Timing {
  /** Median over the rounds. */
  readonly ns: number;
  /** Least and greatest of the rounds. */
  readonly leastNs: number;
  readonly mostNs: number;
  /** Operations in a round, besides the one that is taken off. */
  readonly calls: number;
  readonly rounds: number;
}

export interface TimingOptions {
  readonly nowNs: () => number;
  /** About how long a round of operations runs. */
  readonly roundNs?: number;
  readonly rounds?: number;
}

const mostCalls = 500;
const fewestCalls = 2;
/** Rounds become so many times as long where they told no time at all. */
const longer = 4;
/** Rounds of operations so long that they need no more. */
const fewestRounds = 3;

/**
 * Time of `run` in ns. A round runs it several times and then reads one element of the last result, which the device
 * delivers when all is done: it works off what it was given in order. The same with one call is taken off, and with it
 * what reading costs. What is left is the device's time where that is longer than the host takes to hand an operation
 * over, and else the host's: see `hostFloors`. Rounds before the first that counts warm up.
 */
export async function timeOf(
  tf: TensorFlow,
  run: () => Tensor,
  {nowNs, roundNs = 20e6, rounds = 7}: TimingOptions,
): Promise<Timing> {
  const round = async (calls: number): Promise<number> => {
    const begin = nowNs();
    let last = run();
    for (let call = 1; call < calls; call++) {
      last.dispose();
      last = run();
    }
    const first = tf.slice(
      last,
      last.shape.map(() => 0),
      last.shape.map(() => 1),
    );
    last.dispose();
    await first.data();
    first.dispose();
    return nowNs() - begin;
  };
  await round(2);
  const once = await round(1);
  const estimate = Math.max(1, ((await round(3)) - once) / 2);
  let calls = Math.max(fewestCalls, Math.min(mostCalls, Math.ceil(roundNs / estimate)));
  const count = estimate * calls > 4 * roundNs ? Math.min(rounds, fewestRounds) : rounds;
  let found: number[];
  let median: number;
  for (;;) {
    found = [];
    for (let i = 0; i < count; i++) {
      const short = await round(1);
      found.push(((await round(1 + calls)) - short) / calls);
    }
    found.sort((a, b) => a - b);
    const middle = count >> 1;
    median = count % 2 === 1 ? found[middle] : (found[middle - 1] + found[middle]) / 2;
    if (median > 0 || calls === mostCalls) break;
    // The host paused in more rounds than not, and, where the estimate met a pause too, they were short besides.
    calls = Math.min(mostCalls, longer * calls);
  }
  return {ns: median, leastNs: found[0], mostNs: found[count - 1], calls, rounds: count};
}
