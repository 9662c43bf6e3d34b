import type {Nanoseconds} from '../../src/scheduler/clock.ts';
import type {Device, DeviceContext} from '../../src/scheduler/device.ts';
import type {Launch} from '../../src/scheduler/launch.ts';
import type {SimulatedDevice} from '../../src/sim/simulatedDevice.ts';
import type {VirtualClock} from '../../src/sim/virtualClock.ts';

/** Bytes that a submission walks through, as a driver does: they take the place of the policy's in the nearest cache. */
const touchedBytes = 1 << 17;

/**
 * A simulated device in real time: submissions take as long as predicted, completions are seen when they are due. What
 * the host does in between takes the time that it takes. Host times of the run are counted around the waits.
 */
export class PacedDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  /** Time of the submissions since the last wait. */
  submittingNs = 0;
  /** When the last wait ended. */
  wokenAt: Nanoseconds = NaN;
  private readonly device: SimulatedDevice;
  private readonly virtual: VirtualClock;
  private readonly now: () => Nanoseconds;
  private readonly wokenUp: (ns: Nanoseconds) => void;
  private readonly touched = new Uint8Array(touchedBytes);

  /** `wokenUp` is told how long the host was awake between two waits, submissions left out. */
  constructor(
    device: SimulatedDevice,
    virtual: VirtualClock,
    now: () => Nanoseconds,
    wokenUp: (ns: Nanoseconds) => void,
  ) {
    this.device = device;
    this.virtual = virtual;
    this.now = now;
    this.wokenUp = wokenUp;
    this.lanes = device.lanes;
    this.depth = device.depth;
  }

  attach(context: DeviceContext): void {
    this.device.attach(context);
  }

  submit(launch: Launch): void {
    const begin = this.now();
    this.virtual.time = begin;
    this.device.submit(launch);
    for (let i = 0; i < touchedBytes; i += 64) this.touched[i]++;
    const until = this.virtual.time;
    while (this.now() < until);
    this.submittingNs += this.now() - begin;
  }

  poll(): Launch | null {
    this.virtual.time = this.now();
    return this.device.poll();
  }

  wait(until: Nanoseconds): void {
    const begin = this.now();
    this.wokenUp(begin - this.wokenAt - this.submittingNs);
    this.virtual.time = begin;
    this.device.wait(until);
    const due = this.virtual.time;
    let now = begin;
    while (now < due) now = this.now();
    this.submittingNs = 0;
    this.wokenAt = now;
  }
}
