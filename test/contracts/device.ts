// What every device must do, simulated or real: one suite for all of them.
import {fc, test} from '@fast-check/vitest';
import {afterEach, describe, expect} from 'vitest';
import type {Clock} from '../../src/scheduler/clock.ts';
import type {Device} from '../../src/scheduler/device.ts';
import {KernelClasses, methods} from '../../src/scheduler/kernel.ts';
import type {Kernel, Method} from '../../src/scheduler/kernel.ts';
import {Launch} from '../../src/scheduler/launch.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import {Streams} from '../../src/scheduler/streams.ts';
import type {Tenant} from '../../src/scheduler/tenant.ts';

const gemm = (m: number, n: number, k: number, count = 1): Kernel => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

/** One request: shapes that repeat, several products in one kernel, memory-bound kernels of odd sizes. */
const request: readonly Kernel[] = [
  gemm(8, 4, 16),
  gemm(8, 4, 16),
  {op: 'elementwise', bytes: 33, dtype: 'fp32'},
  gemm(4, 4, 8, 3),
  gemm(5, 3, 7),
  {op: 'elementwise', bytes: 4096, dtype: 'fp32'},
  gemm(8, 4, 16),
];
/** The shape to which members are padded, larger than all of them. */
const common = gemm(8, 4, 16);
const tenantCount = 6;

/** What a device is made for. */
export interface DeviceWorld {
  readonly classes: KernelClasses;
  readonly programs: Programs;
  readonly streams: Streams;
  readonly tenants: readonly Tenant[];
  readonly lanes: number;
  readonly depth: number;
  readonly maxSize: number;
}

/** A device under test. Its kernels take at least `kernelNs` each, which the suite chooses. */
export interface DeviceRig {
  readonly device: Device;
  readonly clock: Clock;
  /** Makes the device refuse the launch that `submit` hands to it; where it can fail. */
  readonly failing?: (submit: () => void) => void;
  /** Ends the device; returns the bytes of device memory that it leaves behind, where that can be told. */
  close(): number | undefined;
}

export interface DeviceContractOptions {
  /** Whether kernels take at least the time that the suite asks for: a real GPU takes its own. */
  readonly hasChosenTimes: boolean;
  /** Tests that the device cannot take, with the reason. */
  readonly skip?: readonly {readonly reason: string; readonly test: string}[];
}

/** The state that a scheduler would keep, by hand. */
class Driver {
  readonly rig: DeviceRig;
  readonly world: DeviceWorld;
  private launches = 0;

  constructor(makeRig: (world: DeviceWorld, kernelNs: number) => DeviceRig, kernelNs: number, depth = 2) {
    const classes = new KernelClasses();
    const programs = new Programs();
    const ids = request.map((kernel) => classes.intern(kernel));
    classes.intern(common);
    const start = programs.add(
      ids,
      ids.map(() => 1000),
    );
    const tenants = Array.from({length: tenantCount}, (_, i): Tenant => ({
      name: `tenant${i}`,
      model: 'toy',
      family: 0,
      sloNs: 1e9,
      sloQuantile: 0.99,
      weight: 1,
      priority: 0,
      program: () => start,
    }));
    this.world = {classes, programs, streams: new Streams(), tenants, lanes: 3, depth, maxSize: 8};
    this.rig = makeRig(this.world, kernelNs);
    this.rig.device.attach(this.world);
  }

  get device(): Device {
    return this.rig.device;
  }

  /** A launch of as many streams as there are cursors, each with its head at that kernel of its request. */
  launch(cursors: readonly number[], method: Method, {lane = 0, steps = 1} = {}): Launch {
    const {streams, programs, classes, tenants} = this.world;
    const launch = new Launch(cursors.length);
    launch.id = this.launches++;
    launch.lane = lane;
    launch.steps = steps;
    launch.method = methods.indexOf(method);
    launch.size = cursors.length;
    cursors.forEach((cursor, i) => {
      const tenant = i % tenants.length;
      launch.members[i] = streams.allocate(tenant, cursor, 1e9, -1, 1);
      launch.classes[i] = programs.classes[cursor];
    });
    const isMixed = cursors.some((cursor) => programs.classes[cursor] !== launch.classes[0]);
    launch.cls = !isMixed ? launch.classes[0] : method === 'padded' ? classes.intern(common) : -1;
    launch.finishedAt = -1;
    launch.decidedAt = this.rig.clock.now();
    return launch;
  }

  submit(launch: Launch): Launch {
    this.device.submit(launch);
    return launch;
  }

  /** Waits for `count` completions, in the order in which they are seen. */
  collect(count: number): Launch[] {
    const seen: Launch[] = [];
    const {device, rig} = this;
    for (const until = rig.clock.now() + 5e9; seen.length < count;) {
      const launch = device.poll();
      if (launch !== null) {
        seen.push(launch);
        continue;
      }
      if (rig.clock.now() >= until) throw new Error(`${seen.length} of ${count} launches completed`);
      device.wait(until);
    }
    return seen;
  }
}

/** Launches of all methods, several to a lane. */
const schedule = fc.array(
  fc.record({
    lane: fc.nat(2),
    members: fc.integer({min: 1, max: 8}),
    work: fc.constantFrom<readonly [cursor: number, method: Method, steps: number]>(
      [0, 'single', 1],
      [0, 'batched', 1],
      [0, 'grouped', 1],
      [0, 'batched', 2],
      [0, 'single', 7],
      [0, 'batched', 7],
      [0, 'grouped', 7],
      [1, 'single', 3],
      [0, 'grouped', 2],
      [2, 'batched', 1],
      [3, 'batched', 1],
      [3, 'single', 1],
      [3, 'grouped', 1],
      [4, 'single', 3],
    ),
  }),
  {minLength: 1, maxLength: 12},
);

/** The contract for the devices that `makeRig` makes. */
export function deviceContract(
  name: string,
  makeRig: (world: DeviceWorld, kernelNs: number) => DeviceRig,
  {hasChosenTimes, skip = []}: DeviceContractOptions,
): void {
  let driver: Driver | null = null;
  const open = (kernelNs = 0, depth?: number): Driver =>
    (driver = new Driver(makeRig, kernelNs, ...(depth === undefined ? [] : [depth])));
  const close = (): number | undefined => {
    const left = driver?.rig.close();
    driver = null;
    return left;
  };
  const it = (title: string, body: () => void, isPossible = true): void => {
    const own = {reason: 'kernels take the time they take', test: title};
    const skipped = isPossible ? skip.find((each) => each.test === title) : own;
    test.skipIf(skipped !== undefined)(skipped === undefined ? title : `${title} (${skipped.reason})`, body);
  };

  describe(`${name} keeps the device contract`, () => {
    afterEach(() => void close());

    test.prop([schedule], {numRuns: 20})(
      'every launch completes exactly once; those of a lane in order, one after another',
      (launches) => {
        open();
        const {device} = driver!;
        const waiting = launches.map(({lane, members, work: [cursor, method, steps]}) =>
          driver!.launch(
            Array.from({length: members}, () => cursor),
            method,
            {lane, steps},
          ),
        );
        const total = waiting.length;
        const submitted: Launch[] = [];
        const seen: Launch[] = [];
        const outstanding = [0, 0, 0];
        while (seen.length < total) {
          for (let next = waiting[0]; next !== undefined && outstanding[next.lane] < device.depth;) {
            driver!.submit(next);
            submitted.push(next);
            outstanding[next.lane]++;
            waiting.shift();
            next = waiting[0];
          }
          for (const launch of driver!.collect(1)) {
            seen.push(launch);
            outstanding[launch.lane]--;
          }
        }
        expect(device.poll()).toBeNull();
        expect(new Set(seen).size).toBe(total);
        for (let lane = 0; lane < device.lanes; lane++) {
          const onLane = seen.filter((launch) => launch.lane === lane);
          expect(onLane).toEqual(submitted.filter((launch) => launch.lane === lane));
          onLane.forEach((launch, i) => {
            expect(launch.failed).toBe(false);
            expect(launch.submittedAt).toBeGreaterThanOrEqual(launch.decidedAt);
            expect(launch.releasedAt).toBeGreaterThanOrEqual(launch.submittedAt);
            expect(launch.finishedAt).toBeGreaterThanOrEqual(launch.submittedAt);
            if (i === 0) return;
            expect(launch.finishedAt).toBeGreaterThanOrEqual(onLane[i - 1].finishedAt);
            // A device that cannot tell says NaN.
            const {startedAt} = launch;
            if (startedAt === startedAt) expect(startedAt).toBeGreaterThanOrEqual(onLane[i - 1].finishedAt);
          });
        }
        close();
      },
    );

    it('a completion is never delivered from within submit', () => {
      open();
      const launch = driver!.submit(driver!.launch([0], 'single'));
      expect(launch.finishedAt).toBe(-1);
      expect(driver!.collect(1)).toEqual([launch]);
      expect(launch.finishedAt).toBeGreaterThan(0);
    });

    it('a lane runs its launches one after another', () => {
      const kernelNs = hasChosenTimes ? 3e6 : 0;
      open(kernelNs);
      const first = driver!.submit(driver!.launch([0, 0, 0], 'batched'));
      const second = driver!.submit(driver!.launch([0, 0], 'batched'));
      expect(driver!.collect(2)).toEqual([first, second]);
      expect(second.finishedAt - first.submittedAt).toBeGreaterThanOrEqual(2 * kernelNs);
    });

    it('the steps of a launch run one after another', () => {
      const kernelNs = hasChosenTimes ? 2e6 : 0;
      open(kernelNs);
      const launch = driver!.submit(driver!.launch([0, 0], 'batched', {steps: 4}));
      expect(driver!.collect(1)).toEqual([launch]);
      expect(launch.finishedAt - launch.submittedAt).toBeGreaterThanOrEqual(4 * kernelNs);
    });

    it('members that run one by one take as long as all of them', () => {
      const kernelNs = hasChosenTimes ? 2e6 : 0;
      open(kernelNs);
      const launch = driver!.submit(driver!.launch([0, 0, 0], 'single'));
      driver!.collect(1);
      expect(launch.finishedAt - launch.submittedAt).toBeGreaterThanOrEqual(3 * kernelNs);
    });

    it('members that run one by one may begin when the device has the first of them', () => {
      open(0);
      // What is done for the first time takes longer.
      for (let time = 0; time < 3; time++) {
        driver!.submit(driver!.launch([0, 0, 0, 0, 0, 0], 'single'));
        driver!.collect(1);
      }
      const heads = Array.from({length: 9}, () => {
        const launch = driver!.submit(driver!.launch([0, 0, 0, 0, 0, 0], 'single'));
        // A simulated host may be at work while the clock stands.
        const whole = Math.max(driver!.rig.clock.now(), launch.lastReleasedAt) - launch.submittedAt;
        driver!.collect(1);
        return (launch.releasedAt - launch.submittedAt) / whole;
      });
      const median = heads.toSorted((a, b) => a - b)[heads.length >> 1];
      expect(median).toBeGreaterThan(0);
      expect(median).toBeLessThan(0.95);
    });

    it(
      'lanes overlap',
      () => {
        // So long that a machine with other things to do does not make them as late as one after another.
        open(60e6);
        const begin = driver!.rig.clock.now();
        for (let lane = 0; lane < 3; lane++) driver!.submit(driver!.launch([0], 'single', {lane}));
        const seen = driver!.collect(3);
        expect(Math.max(...seen.map(({finishedAt}) => finishedAt)) - begin).toBeLessThan(3 * 60e6);
      },
      hasChosenTimes,
    );

    it('a lane holds as many launches as its depth says', () => {
      open(0, 4);
      expect(driver!.device.depth).toBe(4);
      const launches = Array.from({length: 4}, () => driver!.submit(driver!.launch([0], 'single')));
      expect(driver!.collect(4)).toEqual(launches);
    });

    it('a wait ends at its time where nothing runs', () => {
      open();
      const until = driver!.rig.clock.now() + 5e6;
      driver!.device.wait(until);
      expect(driver!.rig.clock.now()).toBeGreaterThanOrEqual(until);
      expect(driver!.device.poll()).toBeNull();
    });

    it(
      'a wait ends at its time while something runs',
      () => {
        open(50e6);
        driver!.submit(driver!.launch([0], 'single'));
        const until = driver!.rig.clock.now() + 1e6;
        driver!.device.wait(until);
        expect(driver!.rig.clock.now()).toBeGreaterThanOrEqual(until);
        expect(driver!.device.poll()).toBeNull();
        driver!.collect(1);
      },
      hasChosenTimes,
    );

    it('a wait ends as soon as there is something to poll', () => {
      open(hasChosenTimes ? 1e6 : 0);
      const launch = driver!.submit(driver!.launch([0], 'single', {lane: 2}));
      const far = driver!.rig.clock.now() + 60e9;
      driver!.device.wait(far);
      expect(driver!.rig.clock.now()).toBeLessThan(far);
      expect(driver!.device.poll()).toBe(launch);
    });

    it('the end of a launch is told, as far as a host knows that looks now and then', () => {
      const kernelNs = hasChosenTimes ? 2e6 : 0;
      open(kernelNs);
      // A host that is interrupted while it watches knows no better than the middle of the pause.
      const watch = (): number => {
        const watched = driver!.submit(driver!.launch([0], 'single'));
        driver!.collect(1);
        expect(watched.endedAt).toBeLessThanOrEqual(watched.finishedAt);
        return watched.endedAt - watched.submittedAt;
      };
      expect(Math.max(watch(), watch(), watch())).toBeGreaterThanOrEqual(0.9 * kernelNs);
      let unwatched = driver!.submit(driver!.launch([0], 'single'));
      // A host that is interrupted sees it done at once: then another one.
      for (let tries = 0; tries < 50 && driver!.device.poll() !== null; tries++)
        unwatched = driver!.submit(driver!.launch([0], 'single'));
      const busyMs = 20;
      for (const until = performance.now() + busyMs; performance.now() < until;);
      driver!.collect(1);
      const {endedAt, finishedAt, releasedAt} = unwatched;
      expect(endedAt).toBeGreaterThanOrEqual(releasedAt);
      // A device that knows when it ended; else it was seen late, and ended some time in between.
      if (finishedAt - releasedAt < 0.9e6 * busyMs) expect(endedAt).toBe(finishedAt);
      else expect((finishedAt - endedAt) / (1e6 * busyMs)).toBeCloseTo(0.5, 0);
    });

    it('a wait for nothing without a time is an error', () => {
      open();
      expect(() => driver!.device.wait(Infinity)).toThrow('waited forever');
    });

    it('grouped launches mix shapes', () => {
      open();
      // Kernels of several products are grouped as so many members.
      const launch = driver!.submit(driver!.launch([0, 1, 4, 3, 4], 'grouped'));
      expect(driver!.collect(1)).toEqual([launch]);
      expect(launch.failed).toBe(false);
    });

    it('padded launches run smaller members at the common shape', () => {
      open();
      const launch = driver!.submit(driver!.launch([0, 4, 6], 'padded'));
      expect(driver!.collect(1)).toEqual([launch]);
      expect(launch.failed).toBe(false);
    });

    it('a launch that fails is marked, and completes in its turn like any other', () => {
      open();
      const before = driver!.submit(driver!.launch([0], 'single'));
      const failing = driver!.launch([0, 0, 0], 'single');
      driver!.rig.failing!(() => driver!.submit(failing));
      expect(driver!.collect(2)).toEqual([before, failing]);
      expect([before.failed, failing.failed]).toEqual([false, true]);
      const after = driver!.submit(driver!.launch([0, 0], 'batched'));
      expect(driver!.collect(1)).toEqual([after]);
      expect(after.failed).toBe(false);
    });

    it('closing frees what the device took, launches in flight or not', () => {
      open(hasChosenTimes ? 1e6 : 0);
      driver!.submit(driver!.launch([0, 0], 'batched', {steps: 3}));
      expect(close() ?? 0).toBe(0);
    });
  });
}
