// The compiled program as users run it, in a folder of its own for each test file.
import {fork, spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll} from 'vitest';
import type {Request, Response} from './host.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(repository, 'dist');

/** The compiled program. */
export const program = join(dist, 'src/cli/main.js');

/** A path inside the repository. */
export const inRepository = (path: string): string => join(repository, path);

/** Two tenants that run in a few milliseconds. */
export const smallScenario = `name: small
duration: 200ms
warmup: 20ms
replications: 2
loads: [0.5]
policies: [greedy, streams]
tenants:
  - {name: pictures, model: resnet-18, slo: 50ms, arrivals: {process: poisson, rate: 50}}
  - {name: keyboard, model: lstm-512, slo: 10ms, arrivals: {process: poisson, rate: 200}}
`;

export interface WorkplaceOptions {
  /** Whether simulations run in worker threads, as they do for users, and not in the program's own, where they begin at once. */
  readonly threads: boolean;
}

/** A folder with `small.yaml` in it, and the program to run there. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'superkernel-cli-'));
  private host: ChildProcess | undefined;
  /** Rejects when the host ends, so that no test waits for its answer then. */
  private ended: Promise<never> | undefined;

  /** Node's own arguments for the host. */
  private readonly execArgv: string[];

  constructor({threads}: WorkplaceOptions) {
    this.execArgv = threads ? [] : ['--import', join(dist, 'test/cli/withoutThreads.js')];
    this.write('small.yaml', smallScenario);
  }

  start(): void {
    if (!existsSync(program)) throw new Error('missing dist: run "npm run build" first');
    this.host = fork(join(dist, 'test/cli/host.js'), {stdio: 'inherit', execArgv: this.execArgv});
    this.ended = once(this.host, 'exit').then(([code]) => {
      throw new Error(`the program's process ended with ${code}`);
    });
    this.ended.catch(() => {});
  }

  stop(): void {
    this.host?.kill();
    rmSync(this.folder, {recursive: true});
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), {recursive: true});
    writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  files(name: string): string[] {
    return existsSync(this.path(name)) ? readdirSync(this.path(name)).sort() : [];
  }

  /** The only folder in `results`. */
  result(root = 'results'): string {
    const found = this.files(root);
    if (found.length !== 1)
      throw new Error(`expected one result in ${root}, found ${found.join(', ') || 'none'}`);
    return join(root, found[0]);
  }

  /** Runs a command line in the folder. */
  async run(args: string[], env: Record<string, string> = {}): Promise<Response> {
    // One worker thread is started sooner than two.
    const request: Request = {args, cwd: this.folder, env: {SUPERKERNEL_JOBS: '1', ...env}};
    this.host!.send(request);
    const [response] = (await Promise.race([once(this.host!, 'message'), this.ended])) as [Response];
    return response;
  }

  /** Starts the program as a process of its own. */
  spawn(args: string[]) {
    return spawn(process.execPath, [program, ...args], {cwd: this.folder});
  }
}

/** A workplace for all tests of a file. */
export function workplace(options: WorkplaceOptions = {threads: false}): Workplace {
  const place = new Workplace(options);
  beforeAll(() => place.start());
  afterAll(() => place.stop());
  return place;
}
