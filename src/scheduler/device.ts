import type {Nanoseconds} from './clock.ts';
import type {Launch} from './launch.ts';
import type {Programs} from './programs.ts';
import type {Streams} from './streams.ts';

/** What a device may look up about a launch's members: whose operands, which kernels. */
export interface DeviceContext {
  readonly streams: Streams;
  readonly programs: Programs;
}

/**
 * Runs superkernels on in-order lanes: a GPU, or a model of one. Only the scheduler's thread calls it, and it never
 * calls back: completions are polled, as the flags of a real GPU are.
 */
export interface Device {
  /** In-order execution slots; launches on different lanes may overlap. */
  readonly lanes: number;
  /** Launches that a lane may hold at once, the running one included. */
  readonly depth: number;
  /** Called before the first launch of a run; devices that serve several runs say for which. */
  attach(context: DeviceContext): void;
  /** Hands a launch to its lane. Takes host time: the clock moves. */
  submit(launch: Launch): void;
  /** The next launch whose completion the host can see by now, or null. Of one lane: in order of submission. */
  poll(): Launch | null;
  /** Returns as soon as a completion can be seen, at `until` at the latest. */
  wait(until: Nanoseconds): void;
}
