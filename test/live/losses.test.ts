// What a live run cannot go on without, a device or its memory, and launches that fail for good: it is told, in a sentence.
import {afterAll, describe, expect, test} from 'vitest';
import {runOf} from '../contracts/liveFaults.ts';
import {standInPlace, unavailable} from './standInPlace.ts';

describe.skipIf(unavailable)('on the stand-in', () => {
  const place = standInPlace();
  afterAll(() => place.remove());
  const json = ['--format', 'json', '--quiet', '--report', 'false'];
  const live = ['live', 'tiny.yaml', ...json];

  test('where launches fail for good, requests are dropped and counted', async () => {
    const {code, stdout} = await place.run(
      [...live, '--policy', 'streams:host-threads=shared', '--output', 'all'],
      {
        FAKE_CUDA_FAIL: Array.from({length: 12}, (_, i) => `cuGraphLaunch=1@run+${10 + i}`).join(','),
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

  test('a policy that runs out of memory is told, and the others run', async () => {
    const {code, stdout} = await place.run(
      [...live, '--policy', 'greedy', '--policy', 'slo', '--output', 'full'],
      {FAKE_CUDA_FAIL: 'cuMemAlloc_v2=2@12'},
    );
    const {cells} = JSON.parse(stdout) as {cells: {policy: string; error?: string}[]};
    expect(cells.map(({policy}) => policy)).toEqual(['greedy', 'slo']);
    expect(cells[0].error).toMatch(/^greedy ran out of memory: cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY /);
    expect(cells[1].error).toBeUndefined();
    expect(code).toBe(0);
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
});
