// The compiled program on a GPU or its stand-in, as a process that tests can watch, signal and make fail.
import {execFileSync, spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** Why no program can run, or null. */
export const notCompiled = existsSync(main) ? null : 'the program has not been compiled ("npm run build")';

/** Three tenants of a small model, and one of another; the drain is long enough for a slow machine. */
const scenario = `name: tiny
device: v100
duration: 250ms
drain: 10s
memory: false
models: {small: ./small.csv, other: ./other.csv}
policies: [greedy]
tenants:
  - {name: a, model: small, replicas: 3, slo: 100ms, arrivals: {process: poisson, rate: 80}}
  - {name: b, model: other, slo: 100ms, arrivals: {process: gamma, rate: 50, cv: 2}}
`;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly pid: number;
  /** Resolves when it has ended; kills it, and rejects, after `patienceMs`. */
  readonly ended: Promise<Ended>;
  signal(signal: NodeJS.Signals): void;
  /** Processes that it has started. */
  children(): number[];
  /** What it has written to stderr so far. */
  stderr(): string;
}

/** Many times what programs take where nobody else uses the machine. */
const patienceMs = 60_000;

export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'superkernel-live-'));

  /** The temporary folder of programs that run here. */
  private readonly temporary = join(this.folder, 'temporary');

  private readonly env: Readonly<Record<string, string>>;

  /** `env` is what all programs here get besides this one's own. */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.env = env;
    mkdirSync(this.temporary);
    this.write('tiny.yaml', scenario);
    this.write('small.csv', '8,4,16\n8,4,16,2\n4,1,8\n');
    this.write('other.csv', '6,2,8\n8,4,16\n');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string, mode = 0o644): string {
    writeFileSync(this.path(name), text, {mode});
    return this.path(name);
  }

  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : '';
  }

  /** What programs have put into their temporary folder. */
  leftBehind(): string[] {
    return readdirSync(this.temporary);
  }

  remove(): void {
    rmSync(this.folder, {recursive: true, force: true});
  }

  /** The profiles of the tests are of other GPUs than theirs, which is forced unless `unforced`. */
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    {unforced = false}: {readonly unforced?: boolean} = {},
  ): Running {
    const forced = !unforced && ['live', 'validate', 'figures'].includes(args[0]) ? ['--force'] : [];
    const child = spawn(process.execPath, [main, ...args, ...forced], {
      cwd: this.folder,
      env: {...process.env, ...this.env, TMPDIR: this.temporary, ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    return {
      pid: child.pid!,
      ended: ended(child),
      stderr: () => stderr,
      signal: (signal) => void child.kill(signal),
      children: () => childrenOf(child.pid!),
    };
  }

  run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    options: {readonly unforced?: boolean} = {},
  ): Promise<Ended> {
    return this.start(args, env, options).ended;
  }
}

async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (text) => (stdout += text));
  child.stderr!.on('data', (text) => (stderr += text));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, patienceMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  if (isLate)
    throw new Error(`the program did not end within ${patienceMs} ms; it wrote:\n${stdout}\n${stderr}`);
  return {code, signal, stdout, stderr};
}

/** Processes that live and have this parent. */
export function childrenOf(pid: number): number[] {
  try {
    return execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], {encoding: 'utf8'})
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map(Number);
  } catch {
    return []; // ps found none
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** Whether a process has come so far as to load CUDA's libraries. */
export function usesCuda(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8').includes('libcublas');
  } catch {
    return false; // it is gone
  }
}

/** Resolves when `condition` holds; rejects after as long as a program has. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
