// The small model of workload.ts in sim.js (npm simjs): an entity that sets a timer for every arrival and every launch,
// objects for streams and launches, arrays for queues.
// usage: smallSimjs FILE REQUESTS WARMUP_REQUESTS PATH_OF_SIMJS
import {startWatch} from '../stopwatch.ts';
import {loadSimjs} from './simjs.ts';
import type {SmallResult, SmallWorkload} from './workload.ts';
import {readSmallWorkload} from './workload.ts';

interface Stream {
  readonly tenant: number;
  readonly arrivedAt: number;
  position: number;
  readyAt: number;
}

interface Launch {
  readonly lane: number;
  readonly members: Stream[];
}

const [path, requests, warmup, folder] = process.argv.slice(2);
const simjs = loadSimjs(folder);

function simulate(w: SmallWorkload, requests: number): SmallResult {
  const result = {kernels: 0, launches: 0, completed: 0, makespanNs: 0, latencyNs: 0};
  const ready = Array.from({length: w.classes}, (): Stream[] => []);
  const nonEmpty: number[] = [];
  const busy = Array.from({length: w.lanes}, () => false);
  /** What has happened at this instant and awaits the decision. */
  let finished: Launch[] = [];
  let arrived: Stream[] = [];
  let next = 0;

  class Model extends simjs.Entity {
    override start(): void {
      this.setTimer(w.arrivalAt[0]).done(this.arrive);
    }

    arrive(): void {
      this.wake();
      const now = this.time();
      for (; next < requests && w.arrivalAt[next] === now; next++) {
        arrived.push({tenant: w.arrivalTenant[next], arrivedAt: now, position: 0, readyAt: now});
      }
      if (next < requests) this.setTimer(w.arrivalAt[next] - now).done(this.arrive);
    }

    finish(launch: Launch): void {
      this.wake();
      finished.push(launch);
    }

    /** One decision an instant, behind all that happens then: its timer is set last. */
    wake(): void {
      if (finished.length === 0 && arrived.length === 0) this.setTimer(0).done(this.decide);
    }

    makeReady(stream: Stream): void {
      stream.readyAt = this.time();
      const cls = w.programs[stream.tenant * w.kernelsPerRequest + stream.position];
      if (ready[cls].length === 0) nonEmpty.push(cls);
      ready[cls].push(stream);
    }

    decide(): void {
      const now = this.time();
      for (const {lane, members} of finished) {
        busy[lane] = false;
        for (const stream of members) {
          if (++stream.position < w.kernelsPerRequest) {
            this.makeReady(stream);
          } else {
            result.completed++;
            result.latencyNs += now - stream.arrivedAt;
            result.makespanNs = now;
          }
        }
      }
      for (const stream of arrived) this.makeReady(stream);
      finished = [];
      arrived = [];
      for (let lane = 0; lane < w.lanes && nonEmpty.length > 0; lane++) if (!busy[lane]) this.launch(lane);
    }

    launch(lane: number): void {
      let best = -1;
      for (const cls of nonEmpty) {
        if (best >= 0) {
          const more = ready[cls].length - ready[best].length;
          if (more < 0 || (more === 0 && ready[cls][0].readyAt >= ready[best][0].readyAt)) continue;
        }
        best = cls;
      }
      const members = ready[best].splice(0, w.maxSize);
      if (ready[best].length === 0) {
        nonEmpty[nonEmpty.indexOf(best)] = nonEmpty[nonEmpty.length - 1];
        nonEmpty.pop();
      }
      busy[lane] = true;
      result.launches++;
      result.kernels += members.length;
      const duration = w.durations[best * (w.maxSize + 1) + members.length];
      this.setTimer(duration).done(this.finish, this, {lane, members});
    }
  }

  const sim = new simjs.Sim();
  sim.addEntity(Model, 'model');
  sim.simulate(Infinity);
  return result;
}

const workload = readSmallWorkload(path, Number(requests));
simulate(workload, Number(warmup));
const elapsed = startWatch();
const result = simulate(workload, Number(requests));
console.log(JSON.stringify({...result, ...elapsed()}));
