// What a tenant's process saw, as plain arrays that travel between processes and are played to a recorder afterwards.
import type {DeviceContext} from '../scheduler/device.ts';
import {Launch} from '../scheduler/launch.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Programs} from '../scheduler/programs.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {Streams} from '../scheduler/streams.ts';

const arrivedKind = 0;
const completedKind = 1;
const droppedKind = 2;
const launchKind = 3;

/** Numbers of one event: time, kind, and what the kind needs. */
const width = 8;

/** Records the events of one process; launches are of one member each. */
export class Tape implements Recorder {
  /** `width` numbers an event, in order of time. */
  readonly events: number[] = [];
  private context: DeviceContext | null = null;

  attach(context: DeviceContext): void {
    this.context = context;
  }

  arrived(tenant: number, at: Nanoseconds): void {
    this.events.push(at, arrivedKind, tenant, 0, 0, 0, 0, 0);
  }

  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void {
    this.events.push(at, completedKind, tenant, arrivalAt, startedAt, 0, 0, 0);
  }

  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void {
    this.events.push(at, droppedKind, tenant, arrivalAt, 0, 0, 0, 0);
  }

  launched(): void {}

  finished({members, lane, steps, releasedAt, finishedAt, failed}: Launch, at: Nanoseconds): void {
    const cursor = this.context!.streams.cursor[members[0]];
    this.events.push(at, launchKind, lane, cursor, steps, releasedAt, finishedAt, Number(failed));
  }
}

/** Plays the tapes of all processes, together in order of time, to a recorder. */
export function play(tapes: readonly Float64Array[], programs: Programs, recorder: Recorder): void {
  const streams = new Streams();
  const slot = streams.allocate(0, 0, 0, 0, 1);
  recorder.attach?.({streams, programs});
  const launch = new Launch(1);
  launch.members[0] = slot;
  launch.size = 1;
  const order: {tape: Float64Array; at: number}[] = [];
  for (const tape of tapes) for (let at = 0; at < tape.length; at += width) order.push({tape, at});
  order.sort((a, b) => a.tape[a.at] - b.tape[b.at] || a.tape[a.at + 1] - b.tape[b.at + 1]);
  for (const {tape, at} of order) {
    const [time, kind, a, b, c, d, e, f] = tape.subarray(at, at + width);
    if (kind === arrivedKind) recorder.arrived(a, time);
    else if (kind === completedKind) recorder.completed(a, b, c, time);
    else if (kind === droppedKind) recorder.dropped(a, b, time);
    else {
      streams.cursor[slot] = b;
      launch.id++;
      launch.lane = a;
      launch.cls = programs.classes[b];
      launch.classes[0] = launch.cls;
      launch.steps = c;
      launch.decidedAt = launch.submittedAt = launch.releasedAt = d;
      launch.startedAt = NaN;
      launch.finishedAt = e;
      launch.failed = f === 1;
      recorder.launched(launch);
      recorder.finished(launch, time);
    }
  }
}
