import type {Nanoseconds} from './clock.ts';
import type {DeviceContext} from './device.ts';
import type {Launch} from './launch.ts';

/** Receives what happens, in order, as it happens. Launches are reused: copy what is to be kept. */
export interface Recorder {
  /** Called once, before anything happens: gives sight of the members behind a launch's slots. */
  attach?(context: DeviceContext): void;
  arrived(tenant: number, at: Nanoseconds): void;
  /** A request got its answer at `at`; its first kernel was launched at `startedAt`. */
  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void;
  /** A request left without an answer. */
  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void;
  launched(launch: Launch): void;
  /** The host saw a launch complete at `at`. */
  finished(launch: Launch, at: Nanoseconds): void;
}

/** Sends everything to each of several recorders. */
export function recordBoth(...recorders: Recorder[]): Recorder {
  // Loops, not forEach: a live run would leave a closure for every event.
  return {
    attach: (context) => {
      for (const recorder of recorders) recorder.attach?.(context);
    },
    arrived: (tenant, at) => {
      for (const recorder of recorders) recorder.arrived(tenant, at);
    },
    completed: (tenant, arrivalAt, startedAt, at) => {
      for (const recorder of recorders) recorder.completed(tenant, arrivalAt, startedAt, at);
    },
    dropped: (tenant, arrivalAt, at) => {
      for (const recorder of recorders) recorder.dropped(tenant, arrivalAt, at);
    },
    launched: (launch) => {
      for (const recorder of recorders) recorder.launched(launch);
    },
    finished: (launch, at) => {
      for (const recorder of recorders) recorder.finished(launch, at);
    },
  };
}
