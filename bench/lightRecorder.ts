import type {Nanoseconds} from '../src/scheduler/clock.ts';
import type {Launch} from '../src/scheduler/launch.ts';
import type {Recorder} from '../src/scheduler/recorder.ts';

/** What happened so far, in numbers. */
export interface Counts {
  readonly arrivals: number;
  readonly requests: number;
  readonly launches: number;
  /** Launches, each counted once a step: a launch that runs ahead is several superkernels in a row. */
  readonly superkernels: number;
  readonly kernels: number;
  /** Sum over the completed requests: equal for two versions of the engine that make the same schedule. */
  readonly latencyNs: number;
}

/** Counts and nothing else, or beside another recorder: what the engine costs without metrics, and with them. */
export class LightRecorder implements Recorder {
  private arrivals = 0;
  private requests = 0;
  private launches = 0;
  private superkernels = 0;
  private latencyNs = 0;
  kernels = 0;
  private readonly other: Recorder | undefined;

  constructor(other?: Recorder) {
    this.other = other;
  }

  get counts(): Counts {
    const {arrivals, requests, launches, superkernels, kernels, latencyNs} = this;
    return {arrivals, requests, launches, superkernels, kernels, latencyNs};
  }

  attach(...context: Parameters<NonNullable<Recorder['attach']>>): void {
    this.other?.attach?.(...context);
  }

  arrived(tenant: number, at: Nanoseconds): void {
    this.arrivals++;
    this.other?.arrived(tenant, at);
  }

  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void {
    this.requests++;
    this.latencyNs += at - arrivalAt;
    this.other?.completed(tenant, arrivalAt, startedAt, at);
  }

  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void {
    this.other?.dropped(tenant, arrivalAt, at);
  }

  launched(launch: Launch): void {
    this.other?.launched(launch);
  }

  finished(launch: Launch, at: Nanoseconds): void {
    this.launches++;
    this.superkernels += launch.steps;
    this.kernels += launch.size * launch.steps;
    this.other?.finished(launch, at);
  }
}
