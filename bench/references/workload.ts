// The small model of our problem that every reference runs, and the file that hands it to them.
//
// Tenants send requests of a fixed sequence of kernels; ready kernels of equal class coalesce; a superkernel of R
// members takes durations[class][R] ns on one of the lanes, which do not slow each other down; the host costs nothing.
// Order at one instant: completions by launch, then arrivals, then one decision, which gives every idle lane, lowest
// first, the class with the most ready kernels (among equals the one whose first has waited longest, then the one that
// stands first in the list of classes that have ready kernels), up to `maxSize` members, longest ready first. A class
// joins that list at the end; when it leaves, the last one takes its place.
import {readFileSync, writeFileSync} from 'node:fs';
import {stream} from '../../src/workload/random.ts';
import type {Elapsed} from '../stopwatch.ts';

export interface SmallWorkload {
  readonly tenants: number;
  readonly classes: number;
  readonly kernelsPerRequest: number;
  readonly lanes: number;
  readonly maxSize: number;
  /** Class of kernel i of tenant t at [t * kernelsPerRequest + i]. */
  readonly programs: Float64Array;
  /** Whole ns of R members of class c at [c * (maxSize + 1) + R]. */
  readonly durations: Float64Array;
  readonly arrivalAt: Float64Array;
  readonly arrivalTenant: Float64Array;
}

/** What every implementation reports of the model; all have to agree on it. */
export interface SmallResult {
  readonly kernels: number;
  readonly launches: number;
  readonly completed: number;
  /** Time of the last completion, in ns. */
  readonly makespanNs: number;
  /** Sum of all latencies in ns: equal for equal schedules, and hardly for others. */
  readonly latencyNs: number;
}

/** Its result and how long the loop took, set-up left out. */
export interface SmallRun extends SmallResult, Elapsed {}

const tenants = 64;
const models = 8;
const classes = 40;
const kernelsPerRequest = 24;
const lanes = 16;
const maxSize = 64;

/** Poisson requests at `load`: 1 keeps all lanes just busy without coalescing. */
export function drawSmallWorkload(requests: number, load: number): SmallWorkload {
  const random = stream(1, 'bench/small');
  const soloNs = Array.from({length: classes}, () => Math.round(5000 + 45_000 * random()));
  const programOf = Array.from({length: models}, () =>
    Array.from({length: kernelsPerRequest}, () => Math.floor(random() * classes)),
  );
  const programs = Float64Array.from(
    Array.from({length: tenants}, (_, tenant) => programOf[tenant % models]).flat(),
  );
  // A quarter of every further member's time cannot be shared.
  const durations = Float64Array.from(
    soloNs.flatMap((ns) =>
      Array.from({length: maxSize + 1}, (_, size) => Math.round(ns * (1 + (size - 1) / 4))),
    ),
  );
  const meanNs = programs.reduce((sum, cls) => sum + soloNs[cls], 0) / tenants;
  const gapNs = meanNs / lanes / load;
  const arrivalAt = new Float64Array(requests);
  const arrivalTenant = new Float64Array(requests);
  let at = 0;
  for (let i = 0; i < requests; i++) {
    at -= Math.log(1 - random()) * gapNs;
    arrivalAt[i] = Math.floor(at);
    arrivalTenant[i] = Math.floor(random() * tenants);
  }
  return {
    tenants,
    classes,
    kernelsPerRequest,
    lanes,
    maxSize,
    programs,
    durations,
    arrivalAt,
    arrivalTenant,
  };
}

/** Little-endian doubles: six counts, then the arrays. Whole numbers up to 2^53 are exact in all the languages. */
export function writeSmallWorkload(path: string, workload: SmallWorkload): void {
  const {programs, durations, arrivalAt, arrivalTenant} = workload;
  const counts = [
    workload.tenants,
    workload.classes,
    workload.kernelsPerRequest,
    workload.lanes,
    workload.maxSize,
    arrivalAt.length,
  ];
  const all = Float64Array.from([...counts, ...programs, ...durations]);
  writeFileSync(path, Buffer.concat([all, arrivalAt, arrivalTenant].map((part) => Buffer.from(part.buffer))));
}

export function readSmallWorkload(path: string, requests: number): SmallWorkload {
  const bytes = readFileSync(path);
  const all = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  // As whole numbers: what comes out of a Float64Array stays a double in V8, and so does all that is computed with it.
  const [tenants, classes, kernelsPerRequest, lanes, maxSize, total] = Int32Array.from(all.subarray(0, 6));
  let at = 6;
  const take = (length: number): Float64Array => all.slice(at, (at += length));
  const programs = take(tenants * kernelsPerRequest);
  const durations = take(classes * (maxSize + 1));
  const arrivalAt = take(total).slice(0, requests);
  const arrivalTenant = take(total).slice(0, requests);
  return {
    tenants,
    classes,
    kernelsPerRequest,
    lanes,
    maxSize,
    programs,
    durations,
    arrivalAt,
    arrivalTenant,
  };
}
