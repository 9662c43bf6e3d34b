import {execFile, execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {DeviceError} from '../scheduler/errors.ts';

const run = promisify(execFile);
const control = 'nvidia-cuda-mps-control';

/** A daemon that has not quit after this time waits for a client that does not end. */
const quitMs = 20_000;

/** An MPS daemon of our own: clients that get `env` share the GPU through it. */
export interface MpsDaemon {
  readonly env: Readonly<Record<string, string>>;
  /** Why its server did not start, as its log says; null where it did. */
  complaint(): string | null;
  /** Asks the daemon to quit and removes its folders. Throws a DeviceError where it does not. */
  quit(): Promise<void>;
}

/** This process's daemon has a folder of its own, so that no other user of the machine meets it. */
const folder = join(tmpdir(), `superkernel-mps-${process.pid}`);
const variables = {
  CUDA_MPS_PIPE_DIRECTORY: join(folder, 'pipe'),
  CUDA_MPS_LOG_DIRECTORY: join(folder, 'log'),
};
const removeFolder = (): void => rmSync(folder, {recursive: true, force: true});

/** Starts a daemon; a process has one at a time. Throws a DeviceError where it cannot be started. */
export async function startMps(): Promise<MpsDaemon> {
  for (const directory of Object.values(variables)) mkdirSync(directory, {recursive: true, mode: 0o700});
  try {
    await run(control, ['-d'], {env: {...process.env, ...variables}});
  } catch (error) {
    removeFolder();
    throw new DeviceError(`cannot start the MPS daemon (${control} -d): ${reasonOf(error)}`, {cause: error});
  }
  return {
    env: variables,
    complaint: () => complaintOf(readLog('server.log')),
    async quit() {
      const child = run(control, [], {env: {...process.env, ...variables}, timeout: quitMs});
      // One that is gone reads nothing: what it ended with is told below.
      child.child.stdin?.on('error', () => {});
      child.child.stdin?.end('quit\n');
      try {
        await child;
      } catch (error) {
        throw new DeviceError(`the MPS daemon did not quit (${control}): ${reasonOf(error)}`, {cause: error});
      } finally {
        removeFolder();
      }
    },
  };
}

/** `Failed to start : out of memory` of `[2026-01-31 12:00:00.000 Server  1537] Failed to start : out of memory`. */
export function complaintOf(log: string): string | null {
  const line = log.split('\n').findLast((each) => each.includes('Failed to start'));
  return line === undefined ? null : line.replace(/^\[[^\]]*\] */, '').trim();
}

function readLog(name: string): string {
  try {
    return readFileSync(join(variables.CUDA_MPS_LOG_DIRECTORY, name), 'utf8');
  } catch {
    return '';
  }
}

let isWatching = false;

/** Makes the process quit its daemon where it ends while one runs, e.g. by a second Ctrl-C. For the main thread. */
export function quitMpsAtExit(): void {
  if (isWatching) return;
  isWatching = true;
  process.on('exit', () => {
    if (!existsSync(folder)) return;
    try {
      execFileSync(control, [], {
        env: {...process.env, ...variables},
        input: 'quit\n',
        stdio: 'pipe',
        timeout: 5000,
      });
    } catch {
      // There is nobody left to tell.
    }
    removeFolder();
  });
}

function reasonOf(error: unknown): string {
  const {message, code} = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'no such program on PATH' : message.split('\n')[0];
}
