// What a tenant's host saw, as plain arrays that travel between processes and are played to a recorder afterwards.
import {startOfProgram} from '../metrics/startOfProgram.ts';
import type {DeviceContext} from '../scheduler/device.ts';
import {Launch} from '../scheduler/launch.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Programs} from '../scheduler/programs.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {Streams} from '../scheduler/streams.ts';
import type {Tenant} from '../scheduler/tenant.ts';

/** Numbers of an event of each kind: kind and time, then what the kind needs. Kind 0 is where nothing is yet. */
const arrivedKind = 1; // tenant
const completedKind = 2; // tenant, arrivalAt, startedAt
const droppedKind = 3; // tenant, arrivalAt
const launchedKind = 4; // lane, tenant, batch, kernel, steps, method, decidedAt, submittedAt, predictedNs
const finishedKind = 5; // lane, releasedAt, finishedAt, failed
const widths = [0, 3, 5, 4, 11, 6];

/** Numbers of a chunk: half a megabyte, whole pages. */
export const chunkLength = 65_536;

/**
 * Records the events of one host, whose launches are of one member each: some 140 bytes a launch. An event's kind is
 * written last, so that memory which outlives the host holds whole events up to where it ended, see `eventsOf`.
 */
export class Tape implements Recorder {
  private readonly chunks: Float64Array[] = [];
  private readonly allocate: (index: number) => Float64Array;
  private chunk: Float64Array;
  private length = 0;
  private context: DeviceContext | null = null;

  /** `allocate` gives the memory of the chunk with an index, `chunkLength` zeros; by default this process's own. */
  constructor(allocate: (index: number) => Float64Array = () => new Float64Array(chunkLength)) {
    this.allocate = allocate;
    this.chunk = allocate(0);
    this.chunks.push(this.chunk);
  }

  attach(context: DeviceContext): void {
    this.context = context;
  }

  /** Everything recorded, in order. */
  events(): Float64Array {
    return eventsOf(this.chunks);
  }

  arrived(tenant: number, at: Nanoseconds): void {
    const row = this.room(widths[arrivedKind]);
    const {chunk} = this;
    chunk[row + 1] = at;
    chunk[row + 2] = tenant;
    chunk[row] = arrivedKind;
  }

  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void {
    const row = this.room(widths[completedKind]);
    const {chunk} = this;
    chunk[row + 1] = at;
    chunk[row + 2] = tenant;
    chunk[row + 3] = arrivalAt;
    chunk[row + 4] = startedAt;
    chunk[row] = completedKind;
  }

  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void {
    const row = this.room(widths[droppedKind]);
    const {chunk} = this;
    chunk[row + 1] = at;
    chunk[row + 2] = tenant;
    chunk[row + 3] = arrivalAt;
    chunk[row] = droppedKind;
  }

  launched({members, lane, steps, method, decidedAt, submittedAt, releasedAt, predictedNs}: Launch): void {
    const {streams, programs} = this.context!;
    const slot = members[0];
    const cursor = streams.cursor[slot];
    const row = this.room(widths[launchedKind]);
    const {chunk} = this;
    chunk[row + 1] = releasedAt;
    chunk[row + 2] = lane;
    chunk[row + 3] = streams.tenant[slot];
    chunk[row + 4] = streams.batch[slot];
    // Batches put their programs wherever there is room: hosts agree on the place within one only.
    chunk[row + 5] = cursor - startOfProgram(programs.classes, cursor);
    chunk[row + 6] = steps;
    chunk[row + 7] = method;
    chunk[row + 8] = decidedAt;
    chunk[row + 9] = submittedAt;
    chunk[row + 10] = predictedNs;
    chunk[row] = launchedKind;
  }

  finished({lane, releasedAt, finishedAt, failed}: Launch, at: Nanoseconds): void {
    const row = this.room(widths[finishedKind]);
    const {chunk} = this;
    chunk[row + 1] = at;
    chunk[row + 2] = lane;
    chunk[row + 3] = releasedAt;
    chunk[row + 4] = finishedAt;
    chunk[row + 5] = Number(failed);
    chunk[row] = finishedKind;
  }

  /** Where in `chunk` the next event begins, of `width` numbers: none is cut in two. */
  private room(width: number): number {
    if (this.length + width > chunkLength) {
      this.chunk = this.allocate(this.chunks.length);
      this.chunks.push(this.chunk);
      this.length = 0;
    }
    const row = this.length;
    this.length += width;
    return row;
  }
}

/** The whole events of a tape's chunks, in order. An event that its host died over is left out. */
export function eventsOf(chunks: readonly Float64Array[]): Float64Array {
  const parts = chunks.map((chunk) => {
    let end = 0;
    while (end < chunk.length && chunk[end] !== 0) end += widths[chunk[end]];
    return chunk.subarray(0, end);
  });
  const events = new Float64Array(parts.reduce((total, {length}) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    events.set(part, at);
    at += part.length;
  }
  return events;
}

/** How many arrivals tapes hold, by tenant. */
export function countArrivals(tapes: readonly Float64Array[], tenants: number): Uint32Array {
  const counts = new Uint32Array(tenants);
  for (const events of tapes) {
    for (let at = 0; at < events.length; at += widths[events[at]]) {
      if (events[at] === arrivedKind) counts[events[at + 2]]++;
    }
  }
  return counts;
}

/** Reads a tape from its start. */
class Reader {
  /** Where the event to come begins; the time by which it had been recorded, which never goes back. */
  at = 0;
  time = -Infinity;
  readonly tape: Float64Array;

  constructor(tape: Float64Array) {
    this.tape = tape;
    this.look();
  }

  next(): void {
    this.at += widths[this.tape[this.at]];
    this.look();
  }

  /** An arrival carries the time at which it was meant, and so may be older than what was recorded before. */
  private look(): void {
    this.time = this.at < this.tape.length ? Math.max(this.time, this.tape[this.at + 1]) : Infinity;
  }
}

/** Plays the tapes of all hosts, together in order of time, to a recorder. Events of one tape keep their order. */
export function play(
  tapes: readonly Float64Array[],
  programs: Programs,
  tenants: readonly Tenant[],
  recorder: Recorder,
): void {
  const player = new Player(programs, tenants, recorder);
  const readers = tapes.map((tape) => new Reader(tape));
  for (;;) {
    let first = readers[0];
    for (const reader of readers) if (reader.time < first.time) first = reader;
    if (first === undefined || first.time === Infinity) return;
    player.play(first.tape, first.at);
    first.next();
  }
}

/** Turns events back into calls, with launches and streams as the scheduler has them. */
class Player {
  private readonly streams = new Streams();
  private readonly programs: Programs;
  private readonly tenants: readonly Tenant[];
  private readonly recorder: Recorder;
  private readonly pool: Launch[] = [];
  private readonly inFlight: Launch[][] = [];
  private launches = 0;

  constructor(programs: Programs, tenants: readonly Tenant[], recorder: Recorder) {
    this.programs = programs;
    this.tenants = tenants;
    this.recorder = recorder;
    recorder.attach?.({streams: this.streams, programs});
  }

  play(tape: Float64Array, at: number): void {
    const {recorder} = this;
    const time = tape[at + 1];
    const [a, b, c] = tape.subarray(at + 2, at + 5);
    switch (tape[at]) {
      case arrivedKind:
        recorder.arrived(a, time);
        return;
      case completedKind:
        recorder.completed(a, b, c, time);
        return;
      case droppedKind:
        recorder.dropped(a, b, time);
        return;
      case launchedKind:
        this.launch(tape.subarray(at + 1));
        return;
      default:
        this.finish(a, b, c, tape[at + 5] === 1, time);
    }
  }

  private launch(event: Float64Array): void {
    const [releasedAt, lane, tenant, batch, kernel, steps, method, decidedAt, submittedAt, predictedNs] =
      event;
    const launch = this.pool.pop() ?? new Launch(1);
    const cursor = this.tenants[tenant].program(batch) + kernel;
    launch.id = this.launches++;
    launch.lane = lane;
    launch.cls = launch.classes[0] = this.programs.classes[cursor];
    launch.method = method;
    launch.size = 1;
    launch.steps = steps;
    launch.members[0] = this.streams.allocate(tenant, cursor, 0, -1, batch);
    launch.predictedNs = predictedNs;
    launch.decidedAt = decidedAt;
    launch.submittedAt = submittedAt;
    launch.releasedAt = releasedAt;
    launch.startedAt = launch.finishedAt = NaN;
    launch.failed = false;
    (this.inFlight[lane] ??= []).push(launch);
    this.recorder.launched(launch);
  }

  /** The oldest launch of a lane has ended: lanes run in order. */
  private finish(
    lane: number,
    releasedAt: Nanoseconds,
    finishedAt: Nanoseconds,
    failed: boolean,
    at: Nanoseconds,
  ): void {
    const launch = this.inFlight[lane].shift()!;
    launch.releasedAt = releasedAt;
    launch.finishedAt = finishedAt;
    launch.failed = failed;
    this.recorder.finished(launch, at);
    this.streams.release(launch.members[0]);
    this.pool.push(launch);
  }
}
