// Builds the addon and the stand-ins for CUDA's libraries, once for all test files, and says why where it cannot.

import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {isMainThread} from 'node:worker_threads';

import {type ContextOptions, type CudaContext, openContext} from '../../src/gpu/cuda.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');

/** Where the stand-ins lie. */
export const folder = join(root, 'build/fake-cuda');
/** The addon. */
export const addonFile = join(root, 'build/Release/gpu.node');

function newest(directory: string, pattern: RegExp): number {
  const files = readdirSync(directory).filter((name) => pattern.test(name));
  return Math.max(...files.map((name) => statSync(join(directory, name)).mtimeMs));
}

function isOlder(file: string, sources: number): boolean {
  return !existsSync(file) || statSync(file).mtimeMs < sources;
}

/** Test files run in several processes: one builds, the others wait. */
function whileLocked(body: () => void): void {
  const lock = join(tmpdir(), `superkernel-gpu-build-${Buffer.from(root).toString('base64url').slice(-24)}`);
  const gaveUp = 1200;
  for (let i = 0; ; i++) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      // A lock as old as this was left behind by a run that was stopped.
      if (i === gaveUp) rmSync(lock, {recursive: true, force: true});
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try {
    body();
  } finally {
    rmSync(lock, {recursive: true, force: true});
  }
}

function build(): void {
  if (isOlder(addonFile, newest(join(root, 'src/gpu/native'), /\.(cc|h)$/))) {
    // Node's headers lie beside it; without this, node-gyp would download them.
    const prefix = resolve(process.execPath, '../..');
    const headers = existsSync(join(prefix, 'include/node/node_api.h')) ? {npm_config_nodedir: prefix} : {};
    const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js');
    const env = {...process.env, ...headers};
    execFileSync(process.execPath, [gyp, 'configure', 'build'], {cwd: root, env, stdio: 'pipe'});
  }
  if (isOlder(join(folder, 'cublas-11/libcublas.so.11'), newest(here, /\.(c|h|sh)$/))) {
    execFileSync('sh', [join(here, 'build.sh'), folder], {stdio: 'pipe'});
  }
}

function tryBuild(): string | null {
  // In a worker thread, process.env is a copy that the stand-ins would not see.
  if (!isMainThread)
    return 'the stand-ins are controlled by the environment, which worker threads do not share';
  if (process.platform !== 'linux') return 'the stand-ins are built on Linux only';
  try {
    whileLocked(build);
    return null;
  } catch (error) {
    return `the addon or the stand-ins cannot be built here: ${String(error)}`;
  }
}

/** Why tests of the addon cannot run, or null. */
export const unavailable = tryBuild();
if (unavailable) console.warn(`skipped: ${unavailable}`);

/** The stand-ins instead of what the machine has. */
export const paths = {driver: join(folder, 'libcuda.so.1'), cublas: folder, nvrtc: folder};

const opened: CudaContext[] = [];

/** A small context on the stand-in. */
export function openStandIn(options: ContextOptions = {}): CudaContext {
  const context = openContext({
    ...paths,
    lanes: 2,
    maxMembers: 32,
    ringSlots: 4,
    workspaceBytes: 4096,
    ...options,
  });
  opened.push(context);
  return context;
}

/** Destroys what `openStandIn` opened: a broken device works again only after that. For `afterEach`. */
export function destroyAll(): void {
  for (const context of opened.splice(0)) context.destroy();
}

/** Runs `body` with FAKE_CUDA_ variables set, e.g. `{FAIL: 'cuMemAlloc_v2=2'}`. See fake.h. */
export function withFaults<T>(faults: Record<string, string>, body: () => T): T {
  const names = Object.keys(faults).map((name) => `FAKE_CUDA_${name}`);
  try {
    for (const [name, value] of Object.entries(faults)) process.env[`FAKE_CUDA_${name}`] = value;
    return body();
  } finally {
    for (const name of names) delete process.env[name];
  }
}

/** Spins until a lane has completed `ticket`. Throws what broke the device, or after two seconds. */
export function waitFor(context: CudaContext, lane: number, ticket: number): void {
  const deadline = performance.now() + 2000;
  for (let i = 1; Atomics.load(context.flags, lane) !== ticket; i++) {
    if (i % 1000 !== 0) continue;
    context.query(lane);
    if (performance.now() > deadline) {
      throw new Error(
        `ticket ${ticket} of lane ${lane} did not complete; the flag is ${context.flags[lane]}`,
      );
    }
  }
}
