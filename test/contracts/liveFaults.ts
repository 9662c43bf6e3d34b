// What every GPU, and its stand-in, survives in the middle of a live run: nothing hangs, no record is lost, memory is freed.
import {closeSync, openSync, readFileSync, readdirSync} from 'node:fs';
import {expect, test} from 'vitest';
import {readTape} from '../../src/experiment/sharedTape.ts';
import {countArrivals} from '../../src/experiment/tape.ts';
import {isAlive, until, usesCuda} from '../live/program.ts';
import type {Running, Workplace} from '../live/program.ts';

/** A GPU, or its stand-in, and a scenario for it. */
export interface FaultyWorld {
  readonly place: Workplace;
  /** Of tenants a/0 to a/(n - 1) and b. */
  readonly scenario: string;
  readonly tenants: number;
  /** Requests a second at which `b`, slowed by 20, falls behind, and what makes it do so in this world. */
  readonly straggling: {readonly rate: number; readonly env?: Readonly<Record<string, string>>};
  /** Arguments and environment with which the GPU refuses some launches of a run, and how many. */
  readonly refusing: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly launches: number;
  }[];
  /** What of the GPU's memory is in use, in MiB; null where nobody can tell. */
  readonly memoryInUse: () => number | null;
}

interface Tenant {
  readonly tenant: string;
  readonly arrived: number;
  readonly completed: number;
  readonly dropped: number;
  readonly unfinished: number;
}
type Run = Tenant & {readonly failed_launches: number; readonly tenants: readonly Tenant[]};

/** Requests on the tape of a tenant's process, which is its fifth descriptor. */
function arrivedAt(pid: number, tenants: number): number {
  const memory = openSync(`/proc/${pid}/fd/4`, 'r');
  try {
    return countArrivals([readTape(memory)], tenants).reduce((a, b) => a + b);
  } finally {
    closeSync(memory);
  }
}

/** The run that a program has told of; cuBLAS may have said before what it was refused for. */
export const runOf = (stdout: string): Run =>
  (JSON.parse(stdout.slice(stdout.indexOf('{'))) as {cells: {replications: Run[]}[]}).cells[0]
    .replications[0];

/** Registers the tests of a world. */
export function survivesFaults({
  place,
  scenario,
  tenants: count,
  straggling,
  refusing,
  memoryInUse,
}: FaultyWorld): void {
  const live = ['live', scenario, '--format', 'json', '--quiet', '--report', 'false'];
  const untilFreed = waitForMemory(memoryInUse);

  for (const {name, args, env, launches} of refusing) {
    test(`${name} runs again where it fails, and no request is lost`, async () => {
      const {code, stdout, stderr} = await place.run([...live, ...args, '--output', name], env);
      expect(code, stderr).toBe(0);
      const run = runOf(stdout);
      expect(run.failed_launches).toBe(launches);
      expect(run.arrived).toBe(run.completed);
      expect(run.arrived).toBeGreaterThan(30);
    });
  }

  test('evict keeps an injected straggler apart', async () => {
    const {code, stdout, stderr} = await place.run(
      [
        ...live,
        '--policy',
        'evict(greedy):action=drop',
        '--output',
        'straggler',
        '--duration',
        '600ms',
        '--set',
        'stragglers=[{tenant: b, factor: 20, from: 100ms}]',
        '--set',
        `tenants.1.arrivals.rate=${straggling.rate}`,
      ],
      straggling.env,
    );
    expect(code, stderr).toBe(0);
    const {tenants} = runOf(stdout);
    const straggler = tenants.find(({tenant}) => tenant === 'b')!;
    expect(straggler.dropped).toBeGreaterThan(5);
    expect(straggler.dropped).toBeGreaterThan(
      Math.max(...tenants.map(({tenant, dropped}) => (tenant === 'b' ? 0 : dropped))),
    );
  });

  test('a tenant whose process is killed is told, and keeps its record; the others finish', async () => {
    const running = place.start([
      ...live,
      '--policy',
      'time-slice',
      '--output',
      'killed',
      '--duration',
      '3s',
    ]);
    await until(() => running.children().filter(usesCuda).length === count, 'processes with CUDA');
    const [first] = running.children();
    await until(() => arrivedAt(first, count) > 30, 'a part of the run');
    // First stopped, so that its tape can be read as it is when it dies.
    process.kill(first, 'SIGSTOP');
    const seen = arrivedAt(first, count);
    process.kill(first, 'SIGKILL');
    const {code, stdout, stderr} = await running.ended;
    const told =
      /warning: tenant (a\/\d|b) died ([\d.]+) s into the run, [^\n]* its process ended with SIGKILL\n/.exec(
        stderr,
      )!;
    expect(told).not.toBeNull();
    expect(Number(told[2])).toBeGreaterThan(0.1);
    expect(Number(told[2])).toBeLessThan(3);
    expect(code).toBe(0);
    const {tenants} = runOf(stdout);
    const dead = tenants.find(({tenant}) => tenant === told[1])!;
    // All that it had seen, but for what was on its way.
    expect(dead.completed).toBeLessThanOrEqual(seen);
    expect(dead.completed).toBeGreaterThan(0.8 * seen);
    // What came later nobody served, and nobody forgot.
    expect(dead.arrived).toBeGreaterThan(seen);
    expect(dead.unfinished).toBe(dead.arrived - dead.completed);
    for (const {arrived, completed} of tenants.filter((tenant) => tenant !== dead))
      expect(completed).toBe(arrived);
    expect(place.leftBehind()).toEqual([]);
    await untilFreed();
  });
}

/** A world whose programs are told to stop. */
export interface InterruptedWorld {
  readonly place: Workplace;
  readonly scenario: string;
  /** A command and policy, and how many processes of tenants they start. */
  readonly cases: readonly (readonly [command: string, policy: string, processes: number])[];
  /** Environment of the programs of a case. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** What else holds after a case. */
  readonly after?: (name: string, policy: string, processes: number) => void;
  readonly memoryInUse: () => number | null;
}

/** Registers the tests of Ctrl-C. */
export function survivesInterrupts({
  place,
  scenario,
  cases,
  envOf = () => ({}),
  after = () => {},
  memoryInUse,
}: InterruptedWorld): void {
  const untilFreed = waitForMemory(memoryInUse);
  const long = ['--duration', '60s', '--quiet', '--set', 'tenants.0.replicas=1'];

  test.for(cases)('%s of %s ends with 130', async ([command, policy, processes]) => {
    const name = `${command}-${policy}`;
    const running = place.start(
      [command, scenario, '--policy', policy, '--output', name, ...long],
      envOf(name),
    );
    await untilInTheMiddle(running, processes);
    const children = running.children();
    expect(children).toHaveLength(processes);
    // Each has one lane, and this program's 32 hardware queues are not handed down.
    for (const child of children) expect(environmentOf(child)).toContain('CUDA_DEVICE_MAX_CONNECTIONS=1');
    const at = performance.now();
    running.signal('SIGINT');
    const {code, stderr} = await running.ended;
    expect(stderr).toMatch(/superkernel: interrupted[^\n]*\n$/);
    expect(code).toBe(130);
    expect(performance.now() - at).toBeLessThan(5000);
    expect(children.filter(isAlive)).toEqual([]);
    expect(place.leftBehind()).toEqual([]);
    after(name, policy, processes);
    await untilFreed();
  });

  test('an interrupted validation is gone on with', async () => {
    const args = ['validate', scenario, '--repeats', '1', '--duration', '300ms', '--output', 'v/v.json'];
    for (const policy of ['streams', 'slo', 'ooo']) args.push('--policy', policy);
    interface Written {
      readonly cells: readonly {readonly policy: string}[];
    }
    const written = (): Written => JSON.parse(place.read('v/v.json')) as Written;
    const running = place.start(args);
    await until(() => running.stderr().includes('validate  1/3'), 'the first policy');
    running.signal('SIGINT');
    const {code, stderr} = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /superkernel: interrupted after \d policies and loads; [^\n]*goes on with [^\n]*v\.partial\.jsonl\n$/,
    );
    const first = written().cells;
    expect(first.length).toBeLessThan(3);
    expect(place.read('v/v.partial.jsonl').split('\n').length).toBe(first.length + 2);
    const other = await place.run([...args, '--set', 'tenants.0.slo=50ms']);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/v\.partial\.jsonl: begun on another device or with other options/);
    const again = await place.run(args);
    expect(again.code, again.stderr).toBe(0);
    const {cells} = written();
    expect(cells.map(({policy}) => policy)).toEqual(['streams', 'slo', 'ooo']);
    // Not measured again: times of a GPU are not twice the same.
    expect(cells.slice(0, first.length)).toEqual(first);
    expect(readdirSync(place.path('v'))).toEqual(['v.json']);
    await untilFreed();
  });
}

/** Some time after a program has opened the GPU, or its tenants' `processes` have. */
export async function untilInTheMiddle(running: Running, processes = 0): Promise<void> {
  await until(
    () =>
      processes === 0 ? usesCuda(running.pid) : running.children().filter(usesCuda).length === processes,
    'the first run',
  );
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

/** As the process was started with it. */
const environmentOf = (process: number): string[] =>
  readFileSync(`/proc/${process}/environ`, 'utf8').split('\0');

/** Drivers free what a process had some time after it is gone. */
function waitForMemory(memoryInUse: () => number | null): () => Promise<void> {
  const atFirst = memoryInUse() ?? 0;
  return () => until(() => (memoryInUse() ?? 0) <= atFirst, 'the memory to be freed');
}
