// A host of its own for one tenant, or for a few that share a lane: the entry of a process (time slicing, MPS) or of a
// thread (streams). Started by `isolated.ts`, which tells it what to run and when to start.
import {isMainThread, parentPort} from 'node:worker_threads';
import type {DeviceProfile} from '../profile/profile.ts';
import type {HostTimes} from './hostMeter.ts';
import {withHosts} from './hostPlan.ts';
import type {HostPlan} from './hostPlan.ts';
import {keepContext as keep} from './keptContext.ts';
import {KeptHost} from './keptHost.ts';
import type {LiveHost} from './liveHost.ts';
import {prepareRehearsed} from './rehearsal.ts';
import type {RunSpec} from './simulate.ts';
import {recordInto} from './sharedTape.ts';
import {failureOf} from './worker.ts';
import type {Failure} from './worker.ts';

/** From the parent: first what to run, then when time 0 is on the monotonic clock. */
export type ToTenant =
  | {
      readonly kind: 'prepare';
      readonly spec: RunSpec;
      readonly profile: DeviceProfile;
      readonly plan: HostPlan;
      readonly ordinal: number;
      /** See `recordInto`. */
      readonly tapeMemory: number;
      /** See `withHosts`. */
      readonly mostHosts?: number;
      /** Keeps the host for the next run: see `KeptHost`. */
      readonly keepHost: boolean;
      /** Keeps the CUDA context for the runs to come, which then begin sooner. */
      readonly keepContext: boolean;
      /** Threads share it: nonzero where the run is to stop. */
      readonly stop?: Int32Array;
    }
  | {readonly kind: 'start'; readonly originNs: number}
  /** To a thread before it is ended: frees what it holds on the device. */
  | {readonly kind: 'stop'};

/** To the parent, which shares the tape's memory: ready, done, or failed. */
export type FromTenant =
  | {readonly kind: 'ready'}
  | {readonly kind: 'done'; readonly endedAtNs: number; readonly host: HostTimes}
  | {readonly kind: 'failed'; readonly failure: Failure}
  | {readonly kind: 'stopped'};

const send = (message: FromTenant): void => {
  // A parent that is gone hears nothing, and its going ends us.
  if (isMainThread) process.send!(message, undefined, undefined, () => {});
  else parentPort!.postMessage(message);
};

const kept = new KeptHost();
let prepared: LiveHost | undefined;
let keepsHost = false;
let isToStop = (): boolean => false;
/** The same for all runs of a host, which may be kept. */
const shouldStop = seldom(() => isToStop());
let preparing: Promise<void> = Promise.resolve();

async function prepare({
  spec,
  profile,
  plan,
  ordinal,
  tapeMemory,
  mostHosts = Infinity,
  keepHost,
  keepContext,
  stop,
}: Extract<ToTenant, {kind: 'prepare'}>): Promise<void> {
  const parent = process.ppid;
  isToStop =
    stop === undefined
      ? // While the loop runs, no message comes through; a process whose parent is gone gets another.
        (): boolean => process.ppid !== parent
      : (): boolean => Atomics.load(stop, 0) === 1;
  keepsHost = keepHost;
  await kept.keepFor({spec, profile, ordinal, plan}).catch(() => {});
  const run = await kept.adopt(withHosts(await prepareRehearsed(spec, profile, isToStop), mostHosts));
  if (keepContext) keep(ordinal);
  const recorder = recordInto(tapeMemory);
  prepared = await kept.open({run, spec, profile, ordinal, plan, recorder, shouldStop});
  send({kind: 'ready'});
}

async function start(originNs: number): Promise<void> {
  const {endedAtNs, times} = await kept.run(prepared!, originNs);
  if (!keepsHost) await kept.close();
  send({kind: 'done', endedAtNs, host: times});
}

/** Asks only every so many times: the question is put at every decision, and is a system call. */
function seldom(ask: () => boolean): () => boolean {
  let asked = 0;
  return () => ++asked % 32 === 0 && ask();
}

function receive(message: ToTenant): void {
  if (message.kind === 'stop') {
    const closed = preparing.catch(() => {}).then(() => kept.close());
    void closed.catch(() => {}).then(() => send({kind: 'stopped'}));
    return;
  }
  const work = message.kind === 'prepare' ? (preparing = prepare(message)) : start(message.originNs);
  work.catch((error: unknown) => send({kind: 'failed', failure: failureOf(error)}));
}

if (isMainThread) {
  process.on('message', receive);
  // A parent that is gone wants nothing any more.
  process.on('disconnect', () => process.exit(1));
  // Ctrl-C goes to every process of the terminal: what happens then is the parent's decision.
  process.on('SIGINT', () => {});
} else {
  parentPort!.on('message', receive);
}
