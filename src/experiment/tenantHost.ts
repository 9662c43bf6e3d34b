// A tenant on its own: the entry of a process (time slicing, MPS) or of a thread (streams) that runs one tenant's
// requests on a lane of its own. Started by `isolated.ts`, which tells it what to run and when to start.
import {isMainThread, parentPort} from 'node:worker_threads';
import {loadAddon, openContext} from '../gpu/cuda.ts';
import {CudaDevice} from '../gpu/cudaDevice.ts';
import {WallClock} from '../gpu/wallClock.ts';
import type {Arrivals} from '../scheduler/arrivals.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import {readProfile} from './profileFiles.ts';
import {prepareRun, superkernelLimit} from './simulate.ts';
import type {RunSpec} from './simulate.ts';
import {Tape} from './tape.ts';

/** From the parent: first what to run, then when time 0 is on the monotonic clock. */
export type ToTenant =
  | {
      readonly kind: 'prepare';
      readonly spec: RunSpec;
      readonly profile: string;
      readonly tenant: number;
      readonly ordinal: number;
    }
  | {readonly kind: 'start'; readonly originNs: number}
  | {readonly kind: 'stop'};

/** To the parent: ready, done with everything that happened, or failed. */
export type FromTenant =
  | {readonly kind: 'ready'}
  | {readonly kind: 'done'; readonly events: number[]; readonly endedAtNs: number}
  | {readonly kind: 'failed'; readonly message: string};

/** The tenant's arrivals out of everybody's; the others are passed over. */
function onlyFrom(arrivals: Arrivals, tenant: number): Arrivals {
  const skip = (): void => {
    // An arrival of another tenant is that tenant's business: its closed loop never gets an answer here.
    while (arrivals.nextAt() < Infinity && arrivals.peek() !== tenant) arrivals.take();
  };
  return {
    nextAt() {
      skip();
      return arrivals.nextAt();
    },
    peek() {
      skip();
      return arrivals.peek();
    },
    take() {
      skip();
      return arrivals.take();
    },
    left: (who, at) => arrivals.left(who, at),
  };
}

const send = (message: FromTenant): void => {
  if (isMainThread) process.send!(message);
  else parentPort!.postMessage(message);
};

let start: ((originNs: number) => void) | null = null;
let finish: (() => void) | null = null;

async function prepare({
  spec,
  profile,
  tenant,
  ordinal,
}: Extract<ToTenant, {kind: 'prepare'}>): Promise<void> {
  const run = await prepareRun(spec, readProfile(profile));
  const {tenants, classes, programs, groups, model} = run.workbench;
  const context = openContext({device: ordinal, lanes: 1, maxMembers: 4096, ringSlots: 64});
  const clock = new WallClock(loadAddon().nowNs);
  const device = new CudaDevice({
    context,
    clock,
    kernels: classes.kernels,
    tenants,
    lanes: run.lanes,
    depth: run.setup.depth,
    maxMembers: 4096,
    only: tenant,
  });
  const tape = new Tape();
  const scheduler = new Scheduler({
    clock,
    device,
    policy: run.policy,
    arrivals: onlyFrom(run.arrivals, tenant),
    tenants,
    classes,
    programs,
    groups,
    costs: model,
    recorder: tape,
    maxSize: superkernelLimit(spec.scenario, run.setup),
  });
  finish = () => {
    device.close();
    context.destroy();
  };
  start = (originNs) => {
    clock.origin = originNs;
    scheduler.run(run.limitNs);
    const endedAtNs = clock.now();
    finish!();
    send({kind: 'done', events: tape.events, endedAtNs});
  };
  send({kind: 'ready'});
}

function receive(message: ToTenant): void {
  const failed = (error: unknown): void =>
    send({kind: 'failed', message: error instanceof Error ? error.message : String(error)});
  if (message.kind === 'prepare') prepare(message).catch(failed);
  else if (message.kind === 'stop') finish?.();
  else {
    try {
      start!(message.originNs);
    } catch (error) {
      failed(error);
    }
  }
}

if (isMainThread) {
  process.on('message', receive);
  // A parent that is gone wants nothing any more.
  process.on('disconnect', () => process.exit(1));
} else {
  parentPort!.on('message', receive);
}
