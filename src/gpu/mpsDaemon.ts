import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {DeviceError} from '../scheduler/errors.ts';

const run = promisify(execFile);
const control = 'nvidia-cuda-mps-control';

/** An MPS daemon of our own: clients that get `env` share the GPU through it. */
export interface MpsDaemon {
  readonly env: Readonly<Record<string, string>>;
  /** Asks the daemon to quit and removes its folders. */
  quit(): Promise<void>;
}

/** Starts a daemon with pipe and log folders of its own, so that no other user of the machine meets it. */
export async function startMps(): Promise<MpsDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'superkernel-mps-'));
  const env = {CUDA_MPS_PIPE_DIRECTORY: join(folder, 'pipe'), CUDA_MPS_LOG_DIRECTORY: join(folder, 'log')};
  const remove = (): void => rmSync(folder, {recursive: true, force: true});
  try {
    await run(control, ['-d'], {env: {...process.env, ...env}});
  } catch (error) {
    remove();
    throw new DeviceError(
      `cannot start the MPS daemon (${control} -d): ${(error as Error).message.split('\n')[0]}`,
      {
        cause: error,
      },
    );
  }
  return {
    env,
    async quit() {
      const child = run(control, [], {env: {...process.env, ...env}, timeout: 20_000});
      child.child.stdin?.end('quit\n');
      try {
        await child;
      } finally {
        remove();
      }
    },
  };
}
