// The engine's only event list, the heap of closed loops, against js-sdsl's priority queue: the same holds (take the
// first, schedule another), in a process of their own.
import {PriorityQueue} from 'js-sdsl';
import {stream} from '../src/workload/random.ts';
import {ArrivalSource} from '../src/workload/source.ts';
import {startWatch} from './stopwatch.ts';

export interface EventListRunOptions {
  readonly list: 'arrivals' | 'js-sdsl';
  /** Events in the list. */
  readonly pending: number;
  readonly holds: number;
}

export interface EventListRun {
  readonly nsPerHold: number;
  /** Over the times in order: equal for lists that agree. */
  readonly checksum: number;
}

interface Arrival {
  at: number;
  order: number;
  tenant: number;
}

/** Think times are drawn before, so that the lists are measured and not the random numbers. */
function drawThinkTimes(): Float64Array {
  const random = stream(1, 'bench/think');
  return Float64Array.from({length: 65_536}, () => Math.ceil(-Math.log(1 - random()) * 1e6));
}

function arrivals(pending: number, think: Float64Array): (holds: number) => number {
  let drawn = 0;
  const thinkNs = (): number => think[drawn++ & (think.length - 1)];
  const loops = Array.from({length: pending}, (_, tenant) => ({tenant, outstanding: 1, thinkNs}));
  const source = new ArrivalSource(new Float64Array(0), new Int32Array(0), loops);
  return (holds) => {
    let sum = 0;
    for (let i = 0; i < holds; i++) {
      const at = source.nextAt();
      const tenant = source.take();
      sum = (sum + at * (tenant + 1)) % 1e9;
      source.left(tenant, at);
    }
    return sum;
  };
}

function priorityQueue(pending: number, think: Float64Array): (holds: number) => number {
  let drawn = 0;
  const records = Array.from({length: pending}, (_, tenant): Arrival => ({at: 0, order: tenant, tenant}));
  const queue = new PriorityQueue<Arrival>(records, (a, b) => a.at - b.at || a.order - b.order);
  let order = pending;
  return (holds) => {
    let sum = 0;
    for (let i = 0; i < holds; i++) {
      const arrival = queue.pop()!;
      sum = (sum + arrival.at * (arrival.tenant + 1)) % 1e9;
      arrival.at += think[drawn++ & (think.length - 1)];
      arrival.order = order++;
      queue.push(arrival);
    }
    return sum;
  };
}

const {list, pending, holds} = JSON.parse(process.argv[2]) as EventListRunOptions;
const hold = (list === 'arrivals' ? arrivals : priorityQueue)(pending, drawThinkTimes());
hold(holds / 4);
const elapsed = startWatch();
const checksum = hold(holds);
const run: EventListRun = {nsPerHold: (elapsed().cpuSeconds * 1e9) / holds, checksum};
console.log(JSON.stringify(run));
