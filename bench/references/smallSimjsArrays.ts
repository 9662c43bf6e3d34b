// The small model of workload.ts in sim.js as in smallSimjs.ts, but with the model's own state in typed arrays and our
// ready lists: what is left to differ is the event kernel, and all that the bare model leaves out.
// usage: smallSimjsArrays FILE REQUESTS WARMUP_REQUESTS PATH_OF_SIMJS
import {SlotLists} from '../../src/scheduler/slotLists.ts';
import {loadSimjs} from './simjs.ts';
import {startWatch} from '../stopwatch.ts';
import type {SmallResult, SmallWorkload} from './workload.ts';
import {readSmallWorkload} from './workload.ts';

const [path, requests, warmup, folder] = process.argv.slice(2);
const simjs = loadSimjs(folder);

function simulate(w: SmallWorkload, requests: number): SmallResult {
  const result = {kernels: 0, launches: 0, completed: 0, makespanNs: 0, latencyNs: 0};
  const programs = new Int32Array(w.tenants * (w.kernelsPerRequest + 1)).fill(-1);
  for (let tenant = 0; tenant < w.tenants; tenant++) {
    const sequence = w.programs.subarray(tenant * w.kernelsPerRequest, (tenant + 1) * w.kernelsPerRequest);
    programs.set(sequence, tenant * (w.kernelsPerRequest + 1));
  }
  const ready = new SlotLists(w.classes, requests);
  const cursor = new Int32Array(requests);
  const readyAt = new Float64Array(requests);
  const members = new Int32Array(w.lanes * w.maxSize);
  const size = new Int32Array(w.lanes);
  const busy = new Uint8Array(w.lanes);
  /** What has happened at this instant and awaits the decision: lanes that finished, requests that arrived. */
  const finished = new Int32Array(w.lanes);
  let finishedCount = 0;
  let arrivedFrom = 0;
  let next = 0;

  class Model extends simjs.Entity {
    override start(): void {
      this.setTimer(w.arrivalAt[0]).done(this.arrive);
    }

    arrive(): void {
      this.wake();
      const now = this.time();
      while (next < requests && w.arrivalAt[next] === now) next++;
      if (next < requests) this.setTimer(w.arrivalAt[next] - now).done(this.arrive);
    }

    finish(lane: number): void {
      this.wake();
      finished[finishedCount++] = lane;
    }

    /** One decision an instant, behind all that happens then: its timer is set last. */
    wake(): void {
      if (finishedCount === 0 && arrivedFrom === next) this.setTimer(0).done(this.decide);
    }

    makeReady(slot: number): void {
      readyAt[slot] = this.time();
      ready.append(programs[cursor[slot]], slot);
    }

    decide(): void {
      const now = this.time();
      for (let f = 0; f < finishedCount; f++) {
        const lane = finished[f];
        busy[lane] = 0;
        for (let i = 0; i < size[lane]; i++) {
          const slot = members[lane * w.maxSize + i];
          if (programs[++cursor[slot]] >= 0) {
            this.makeReady(slot);
          } else {
            result.completed++;
            result.latencyNs += now - w.arrivalAt[slot];
            result.makespanNs = now;
          }
        }
      }
      finishedCount = 0;
      for (; arrivedFrom < next; arrivedFrom++) {
        cursor[arrivedFrom] = w.arrivalTenant[arrivedFrom] * (w.kernelsPerRequest + 1);
        this.makeReady(arrivedFrom);
      }
      for (let lane = 0; lane < w.lanes && ready.total > 0; lane++) if (!busy[lane]) this.launch(lane);
    }

    launch(lane: number): void {
      let best = -1;
      for (let i = 0; i < ready.nonEmptyCount; i++) {
        const cls = ready.nonEmpty[i];
        if (best >= 0) {
          const more = ready.count[cls] - ready.count[best];
          if (more < 0 || (more === 0 && readyAt[ready.first(cls)] >= readyAt[ready.first(best)])) continue;
        }
        best = cls;
      }
      let n = 0;
      for (let slot = ready.first(best); slot >= 0 && n < w.maxSize; slot = ready.first(best)) {
        ready.remove(slot);
        members[lane * w.maxSize + n++] = slot;
      }
      size[lane] = n;
      busy[lane] = 1;
      result.launches++;
      result.kernels += n;
      this.setTimer(w.durations[best * (w.maxSize + 1) + n]).done(this.finish, this, lane);
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
