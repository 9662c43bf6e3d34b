import type {Nanoseconds} from '../scheduler/clock.ts';
import {kernelKey, methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import type {Streams} from '../scheduler/streams.ts';
import type {Tenant} from '../scheduler/tenant.ts';

export interface TimelineOptions {
  /** Takes the file's text, piece by piece; one event is one line. */
  readonly write: (text: string) => void;
  readonly tenants: readonly Tenant[];
  /** By class id; may grow during the run. */
  readonly kernels: readonly Kernel[];
  readonly lanes: number;
  /** Whether one host thread submits for all lanes, or each lane has its own. */
  readonly host: 'shared' | 'per-lane';
  /** How the device's tracks are called, e.g. `V100 (simulated)`. */
  readonly device: string;
}

const hostProcess = 1;
const deviceProcess = 2;
const requestProcess = 3;
/** Thread ids are unique over the file, as Perfetto takes equal ones for one thread. */
const hostThread = 1000;
const laneThread = 2000;

/** At most this many tenants are named in a superkernel's details. */
const mostNames = 32;

/**
 * Writes a run as Chrome trace events, which ui.perfetto.dev opens: superkernels on their lanes, the host's submissions
 * with arrows to what they started, every request from its intended arrival to its answer, and missed SLOs. A batch is one
 * stream of several requests, under the name of the tenant that leads it.
 *
 * A file that was cut short still opens: `end()` only closes the brackets.
 */
export class Timeline implements Recorder {
  private readonly options: TimelineOptions;
  private readonly laneEndAt: Float64Array;
  private streams: Streams | null = null;
  private requests = 0;
  private inSystem = 0;
  private first = true;

  constructor(options: TimelineOptions) {
    const {lanes, host, device, write} = options;
    this.options = options;
    this.laneEndAt = new Float64Array(lanes);
    write('{"displayTimeUnit": "ns", "traceEvents": [');
    this.nameProcess(hostProcess, 'host');
    this.nameProcess(deviceProcess, device);
    this.nameProcess(requestProcess, 'requests');
    // Perfetto sorts tracks by name, so numbers have leading zeros.
    const digits = String(lanes - 1).length;
    for (let lane = 0; lane < lanes; lane++) {
      const name = `lane ${String(lane).padStart(digits, '0')}`;
      this.nameThread(deviceProcess, laneThread + lane, name);
      if (host === 'per-lane') this.nameThread(hostProcess, hostThread + lane, `submit to ${name}`);
    }
    if (host === 'shared') this.nameThread(hostProcess, hostThread, 'submit');
  }

  /** Gives it sight of the streams, so that superkernels name the tenants in them. */
  attach({streams}: {streams: Streams}): void {
    this.streams = streams;
  }

  arrived(_tenant: number, at: Nanoseconds): void {
    this.inSystem++;
    this.count(at);
  }

  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void {
    const {name, sloNs} = this.options.tenants[tenant];
    const id = String(++this.requests);
    const request = {name, cat: 'request', id, pid: requestProcess};
    this.emit({ph: 'b', ...request, ts: micro(arrivalAt)});
    this.emit({ph: 'n', ...request, ts: micro(startedAt)});
    this.emit({ph: 'e', ...request, ts: micro(at), args: {latency_us: micro(at - arrivalAt)}});
    if (at - arrivalAt > sloNs) this.note('SLO missed', name, at, {late_us: micro(at - arrivalAt - sloNs)});
    this.inSystem--;
    this.count(at);
  }

  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void {
    const {name} = this.options.tenants[tenant];
    const request = {name, cat: 'request', id: String(++this.requests), pid: requestProcess};
    this.emit({ph: 'b', ...request, ts: micro(arrivalAt)});
    this.emit({ph: 'e', ...request, ts: micro(at), args: {dropped: true}});
    this.note('dropped', name, at, {});
    this.inSystem--;
    this.count(at);
  }

  launched(): void {}

  finished(launch: Launch, at: Nanoseconds): void {
    const {lane, id, size, steps, method, predictedNs, failed, releasedAt, decidedAt, submittedAt} = launch;
    // NaN where the device cannot tell. Slices of a track must not overlap, and a lane runs its launches in order.
    const started = launch.startedAt === launch.startedAt ? launch.startedAt : releasedAt;
    const ended = launch.finishedAt === launch.finishedAt ? launch.finishedAt : at;
    const start = Math.max(started, this.laneEndAt[lane]);
    const end = Math.max(ended, start);
    this.laneEndAt[lane] = end;
    const thread = laneThread + lane;
    const name = this.nameOf(launch);
    this.emit({
      ph: 'X',
      name,
      cat: failed ? 'failed' : methods[method],
      pid: deviceProcess,
      tid: thread,
      ts: micro(start),
      dur: micro(end - start),
      args: {
        launch: id,
        size,
        ...(steps > 1 ? {steps} : {}),
        predicted_us: micro(predictedNs),
        decided_us: micro(decidedAt),
        seen_us: micro(at),
        ...this.membersOf(launch),
      },
    });

    const host = this.options.host === 'shared' ? 0 : lane;
    if (!(releasedAt > submittedAt)) return; // a host that takes no time has nothing to show
    const track = {pid: hostProcess, tid: hostThread + host};
    this.emit({
      ph: 'X',
      name: `submit ${name}`,
      cat: 'submit',
      ...track,
      ts: micro(submittedAt),
      dur: micro(releasedAt - submittedAt),
    });
    const arrow = {name: 'starts', cat: 'submit', id};
    this.emit({ph: 's', ...arrow, ...track, ts: micro(submittedAt)});
    this.emit({ph: 'f', ...arrow, bp: 'e', pid: deviceProcess, tid: thread, ts: micro(start)});
  }

  /** Closes the file's brackets. */
  end(): void {
    this.options.write('\n]}\n');
  }

  private nameOf({cls, size, steps, method}: Launch): string {
    const shape = cls < 0 ? 'mixed shapes' : kernelKey(this.options.kernels[cls]);
    const first = size === 1 ? shape : `${size} × ${shape}, ${methods[method]}`;
    return steps === 1 ? first : `${first}, and ${steps - 1} more`;
  }

  /** Whose kernels they are, and how many requests these serve where a policy put several into one stream. */
  private membersOf({members, size}: Launch): {tenants?: string; requests?: number} {
    const {streams} = this;
    if (streams === null) return {};
    const names: string[] = [];
    for (let i = 0; i < Math.min(size, mostNames); i++)
      names.push(this.options.tenants[streams.tenant[members[i]]].name);
    let requests = 0;
    for (let i = 0; i < size; i++) requests += streams.batch[members[i]];
    return {
      tenants: names.join(', ') + (size > mostNames ? ', …' : ''),
      ...(requests > size ? {requests} : {}),
    };
  }

  private count(at: Nanoseconds): void {
    this.emit({
      ph: 'C',
      name: 'requests in system',
      pid: requestProcess,
      ts: micro(at),
      args: {requests: this.inSystem},
    });
  }

  private note(what: string, tenant: string, at: Nanoseconds, args: Record<string, number>): void {
    this.emit({
      ph: 'i',
      s: 'p',
      name: what,
      cat: 'slo',
      pid: requestProcess,
      ts: micro(at),
      args: {tenant, ...args},
    });
  }

  private nameProcess(pid: number, name: string): void {
    this.emit({ph: 'M', name: 'process_name', pid, args: {name}});
  }

  private nameThread(pid: number, tid: number, name: string): void {
    this.emit({ph: 'M', name: 'thread_name', pid, tid, args: {name}});
  }

  private emit(event: Record<string, unknown>): void {
    this.options.write((this.first ? '\n' : ',\n') + JSON.stringify(event));
    this.first = false;
  }
}

/** Trace events count in microseconds; fractions keep the nanoseconds. */
function micro(ns: Nanoseconds): number {
  return Math.round(ns) / 1000;
}
