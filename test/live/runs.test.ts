// Live runs and validation on the stand-in for CUDA: nothing is lost, and both worlds serve the same requests.
import {afterAll, describe, expect, test} from 'vitest';
import {standInPlace, unavailable} from './standInPlace.ts';
import type {Ended} from './program.ts';

interface Counts {
  readonly policy: string;
  readonly error?: string;
  readonly aggregate: {arrived: number; completed: number; dropped: number} | null;
}

const cellsOf = ({stdout, stderr}: Ended): Counts[] => {
  try {
    return (JSON.parse(stdout) as {cells: Counts[]}).cells;
  } catch (error) {
    throw new Error(`no JSON: ${stdout}\n${stderr}`, {cause: error});
  }
};

describe.skipIf(unavailable)('on the stand-in', () => {
  const place = standInPlace();
  afterAll(() => place.remove());
  const json = ['--format', 'json', '--quiet', '--report', 'false'];
  // One thread for all; batches of its own and of all; threads, with lanes of their own and shared; processes.
  const policies = [
    'greedy',
    'slo:coalesce=cluster',
    'exclusive',
    'batcher:max-batch=4',
    'streams',
    'streams:lanes=2',
    'time-slice:run-ahead=1',
  ];
  const chosen = policies.flatMap((policy) => ['--policy', policy]);

  test('live completes what simulate completes, under every policy', async () => {
    const simulated = cellsOf(
      await place.run(['simulate', 'tiny.yaml', ...chosen, ...json, '--output', 'sim']),
    );
    const ended = await place.run(['live', 'tiny.yaml', ...chosen, ...json, '--output', 'live']);
    const live = cellsOf(ended);
    expect(ended.code).toBe(0);
    expect(live.map(({policy}) => policy)).toEqual(policies);
    for (const [i, {policy, error, aggregate}] of live.entries()) {
      expect(error, policy).toBeUndefined();
      const {arrived, completed, dropped} = aggregate!;
      expect({policy, arrived, completed, dropped}).toEqual({
        policy,
        arrived: simulated[i].aggregate!.arrived,
        completed: simulated[i].aggregate!.completed,
        dropped: 0,
      });
      expect(completed).toBeGreaterThan(30);
    }
  });

  test('validate opens the GPU once for a policy, and once more where that fails', async () => {
    const report = place.path('report');
    const args = ['greedy', 'slo', 'ooo', 'streams'].flatMap((policy) => ['--policy', policy]);
    const ended = await place.run(
      ['validate', 'tiny.yaml', ...args, '--repeats', '2', '--output', 'once.json', '--quiet'],
      {
        FAKE_CUDA_REPORT: report,
        // The first of all, and any but one for each of the next two, and for the four threads of the last.
        FAKE_CUDA_FAIL: 'cuDevicePrimaryCtxRetain=2@1,cuDevicePrimaryCtxRetain=2@8',
      },
    );
    expect(ended.code, ended.stderr).toBe(0);
    const {cells, skipped} = JSON.parse(place.read('once.json')) as {
      cells: {policy: string; measured: {arrived: number; completed: number}[]}[];
      skipped: {policy: string; reason: string}[];
    };
    expect(skipped).toMatchObject([{policy: 'greedy', reason: expect.stringMatching(/ran out of memory/)}]);
    expect(cells.map(({policy}) => policy)).toEqual(['slo', 'ooo', 'streams']);
    const [{arrived}] = cells[0].measured;
    for (const {measured} of cells) {
      expect(measured).toHaveLength(2);
      for (const run of measured) expect(run).toMatchObject({arrived, completed: arrived});
    }
    expect(JSON.parse(place.read('report'))).toMatchObject({memory: 0, streams: 0, graphs: 0, handles: 0});
  });

  test('validate ends with 3 where the simulator is further off than allowed', async () => {
    // The simulated GPU is far faster than the stand-in, so this SLO is met there and missed here.
    const args = ['validate', 'tiny.yaml', '--set', 'tenants.0.slo=60us', '--set', 'tenants.1.slo=60us'];
    const strict = await place.run([...args, '--repeats', '1', '--quiet', '--max-error', '5']);
    expect(strict.code).toBe(3);
    expect(strict.stderr).toMatch(
      /superkernel: the simulator’s mean error of SLO attainment is [\d.]+ points, more than 5\n$/,
    );
    const lenient = await place.run([...args, '--repeats', '1', '--quiet', '--max-error', '100']);
    expect(lenient.code).toBe(0);
  });

  test('without a GPU both end with 4, and one sentence', async () => {
    for (const command of ['live', 'validate']) {
      const none = await place.run([command, 'tiny.yaml'], {FAKE_CUDA_DEVICES: '0'});
      expect(none.code).toBe(4);
      expect(none.stderr).toMatch(/^superkernel: no GPU to use: [^\n]*\n$/);
      expect(none.stdout).toBe('');
    }
  });
});
