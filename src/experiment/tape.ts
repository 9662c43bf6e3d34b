// What a tenant's host saw, as plain arrays that travel between processes and are played to a recorder afterwards.
import {startOfProgram} from '../metrics/startOfProgram.ts';
import type {DeviceContext} from '../scheduler/device.ts';
import {Launch} from '../scheduler/launch.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Programs} from '../scheduler/programs.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {Streams} from '../scheduler/streams.ts';
import type {Tenant} from '../scheduler/tenant.ts';

/** Numbers of an event of each kind: kind and time, then what the kind needs. */
const arrivedKind = 0; // tenant
const completedKind = 1; // tenant, arrivalAt, startedAt
const droppedKind = 2; // tenant, arrivalAt
const launchedKind = 3; // lane, tenant, batch, kernel, steps, method, decidedAt, submittedAt, predictedNs
const finishedKind = 4; // lane, releasedAt, finishedAt, failed
const widths = [3, 5, 4, 11, 6];

/** Numbers of a chunk: half a megabyte. */
const chunkLength = 65_536;

/** Records the events of one host, whose launches are of one member each: some 140 bytes a launch. */
export class Tape implements Recorder {
  private readonly chunks: Float64Array[] = [];
  private chunk = new Float64Array(chunkLength);
  private length = 0;
  private context: DeviceContext | null = null;

  attach(context: DeviceContext): void {
    this.context = context;
  }

  /** Everything recorded, in order. */
  events(): Float64Array {
    const all = new Float64Array(this.chunks.length * chunkLength + this.length);
    this.chunks.forEach((chunk, i) => all.set(chunk, i * chunkLength));
    all.set(this.chunk.subarray(0, this.length), this.chunks.length * chunkLength);
    return all;
  }

  arrived(tenant: number, at: Nanoseconds): void {
    this.put(arrivedKind);
    this.put(at);
    this.put(tenant);
  }

  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void {
    this.put(completedKind);
    this.put(at);
    this.put(tenant);
    this.put(arrivalAt);
    this.put(startedAt);
  }

  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void {
    this.put(droppedKind);
    this.put(at);
    this.put(tenant);
    this.put(arrivalAt);
  }

  launched({members, lane, steps, method, decidedAt, submittedAt, releasedAt, predictedNs}: Launch): void {
    const {streams, programs} = this.context!;
    const slot = members[0];
    const cursor = streams.cursor[slot];
    this.put(launchedKind);
    this.put(releasedAt);
    this.put(lane);
    this.put(streams.tenant[slot]);
    this.put(streams.batch[slot]);
    // Batches put their programs wherever there is room: hosts agree on the place within one only.
    this.put(cursor - startOfProgram(programs.classes, cursor));
    this.put(steps);
    this.put(method);
    this.put(decidedAt);
    this.put(submittedAt);
    this.put(predictedNs);
  }

  finished({lane, releasedAt, finishedAt, failed}: Launch, at: Nanoseconds): void {
    this.put(finishedKind);
    this.put(at);
    this.put(lane);
    this.put(releasedAt);
    this.put(finishedAt);
    this.put(Number(failed));
  }

  private put(value: number): void {
    if (this.length === chunkLength) {
      this.chunks.push(this.chunk);
      this.chunk = new Float64Array(chunkLength);
      this.length = 0;
    }
    this.chunk[this.length++] = value;
  }
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
