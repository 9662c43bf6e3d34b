// What goes wrong on the device in the middle of a live run: the run goes on where it can, and ends with a sentence where not.
import {closeSync, openSync} from 'node:fs';
import {afterAll, describe, expect, test} from 'vitest';
import {readTape} from '../../src/experiment/sharedTape.ts';
import {countArrivals} from '../../src/experiment/tape.ts';
import {Workplace, unavailable, until, usesCuda} from './program.ts';

interface Tenant {
  readonly tenant: string;
  readonly arrived: number;
  readonly completed: number;
  readonly dropped: number;
  readonly unfinished: number;
}

/** Requests on the tape of a tenant's process, which is its fifth descriptor. */
function arrivedAt(pid: number): number {
  const memory = openSync(`/proc/${pid}/fd/4`, 'r');
  try {
    return countArrivals([readTape(memory)], 4).reduce((a, b) => a + b);
  } finally {
    closeSync(memory);
  }
}

interface Result {
  readonly cells: {
    readonly replications: (Tenant & {failed_launches: number; tenants: Tenant[]})[];
  }[];
}

describe.skipIf(unavailable)('on the stand-in', () => {
  const place = new Workplace();
  afterAll(() => place.remove());
  const json = ['--format', 'json', '--quiet', '--report', 'false'];
  const live = ['live', 'tiny.yaml', ...json];
  const runOf = (stdout: string): Result['cells'][number]['replications'][number] =>
    (JSON.parse(stdout) as Result).cells[0].replications[0];

  // Beyond what warming up calls. Launches are recorded graphs, which the driver runs; without them, cuBLAS calls.
  for (const {name, graphs, FAKE_CUDA_FAIL} of [
    {
      name: 'a recorded launch',
      graphs: true,
      FAKE_CUDA_FAIL: 'cuGraphLaunch=1@40,cuGraphLaunch=1@60,cuGraphLaunch=1@80',
    },
    {
      name: 'a launch that is not recorded',
      graphs: false,
      FAKE_CUDA_FAIL: 'cublasGemmEx=14@40,cublasGemmEx=14@60,cublasGemmStridedBatchedEx=14@20',
    },
  ]) {
    test(`${name} runs again where it fails, and no request is lost`, async () => {
      const {code, stdout} = await place.run(
        [...live, '--policy', 'greedy', '--set', `graphs=${graphs}`, '--output', `failed-${graphs}`],
        {FAKE_CUDA_FAIL},
      );
      expect(code).toBe(0);
      const run = runOf(stdout);
      expect(run.failed_launches).toBe(3);
      expect(run.arrived).toBe(run.completed);
      expect(run.arrived).toBeGreaterThan(30);
    });
  }

  test('where launches fail for good, requests are dropped and counted', async () => {
    const {code, stdout} = await place.run(
      [...live, '--policy', 'streams:host-threads=shared', '--output', 'all'],
      {
        FAKE_CUDA_FAIL: Array.from({length: 12}, (_, i) => `cuGraphLaunch=1@${20 + i}`).join(','),
      },
    );
    expect(code).toBe(0);
    const {arrived, completed, dropped, unfinished, failed_launches} = runOf(stdout);
    expect(failed_launches).toBeGreaterThan(6);
    expect(dropped).toBeGreaterThan(0);
    expect(completed + dropped + unfinished).toBe(arrived);
  });

  test('a device that is lost ends the run with 1 and a sentence', async () => {
    for (const policy of ['greedy', 'streams']) {
      const {code, stderr} = await place.run([...live, '--policy', policy, '--output', 'lost'], {
        FAKE_CUDA_LOSE: '150',
      });
      expect(stderr).toMatch(/superkernel: [^\n]*CUDA_ERROR_ILLEGAL_ADDRESS[^\n]*\n$/);
      expect(code).toBe(1);
    }
  });

  test('operands that do not fit are told before the run, by policy', async () => {
    place.write('large.csv', '4096,1,8192\n');
    const {code, stderr} = await place.run(
      [...live, '--set', 'models.small=./large.csv', '--output', 'large'],
      {
        FAKE_CUDA_MEMORY: '300000000',
      },
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /superkernel: no policy can run this: greedy does not fit in the GPU's memory: weights [\d.]+ GB and activations [\d.]+ GB of [\d.]+ GB free\n$/,
    );
  });

  test('contexts that do not fit are told before the run', async () => {
    const {code, stderr} = await place.run(
      [...live, '--policy', 'time-slice', '--set', 'memory=true', '--output', 'contexts'],
      {FAKE_CUDA_MEMORY: '300000000'},
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /no policy can run this: time-slice does not fit in memory: needs [^\n]*contexts[^\n]*\n$/,
    );
  });

  test('evict keeps an injected straggler apart', async () => {
    const {code, stdout} = await place.run(
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
        'tenants.1.arrivals.rate=150',
      ],
      {FAKE_CUDA_KERNEL_US: '300'},
    );
    expect(code).toBe(0);
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
    await until(() => running.children().filter(usesCuda).length === 4, 'four processes with CUDA');
    const [first] = running.children();
    await until(() => arrivedAt(first) > 30, 'a part of the run');
    // First stopped, so that its tape can be read as it is when it dies.
    process.kill(first, 'SIGSTOP');
    const seen = arrivedAt(first);
    process.kill(first, 'SIGKILL');
    const {code, stdout, stderr} = await running.ended;
    const told =
      /warning: tenant (a\/0|a\/1|a\/2|b) died ([\d.]+) s into the run, [^\n]* its process ended with SIGKILL\n/.exec(
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
  });
});
