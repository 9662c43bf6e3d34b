// Published traces, where this machine has them: their figures are those that their sources and others report.
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gunzipSync} from 'node:zlib';
import {describe, expect, test} from 'vitest';
import {readTrace} from '../../../src/experiment/readTrace.ts';
import {traceStats} from '../../../src/workload/traces/stats.ts';

const folder = fileURLToPath(new URL('../../../../shared/data/traces/', import.meta.url));
const path = (file: string) => join(folder, file);

describe.skipIf(!existsSync(folder))(
  'published traces (skipped: they are not part of the repository)',
  () => {
    test('Azure LLM 2023, code: 8,819 requests in bursts', async () => {
      const trace = await readTrace(path('azure-llm-2023/AzureLLMInferenceTrace_code.csv'));
      const {total} = traceStats(trace);
      expect(total.count).toBe(8819);
      expect(total.cv).toBeCloseTo(13.2, 1);
      expect(Math.round(total.peakToMean!)).toBe(26);
      expect(trace.lengthNs / 60e9).toBeCloseTo(57.3, 1);
    });

    test('Azure LLM 2023, conversation: 19,366 requests, nearly Poisson', async () => {
      const {total} = traceStats(await readTrace(path('azure-llm-2023/AzureLLMInferenceTrace_conv.csv')));
      expect(total.count).toBe(19_366);
      expect(total.cv).toBeCloseTo(1.1, 1);
    });

    test('Mooncake: 12,031 requests, in steps of 3 s; the synthetic one is Poisson', async () => {
      const conversation = await readTrace(path('mooncake-fast25/conversation_trace.jsonl.gz'));
      expect(conversation.at).toHaveLength(12_031);
      expect(conversation.at.every((at) => Math.abs(at / 3e9 - Math.round(at / 3e9)) <= 0.001)).toBe(true);
      const synthetic = traceStats(await readTrace(path('mooncake-fast25/synthetic_trace.jsonl.gz'))).total;
      expect(synthetic.count).toBe(3993);
      expect(synthetic.cv).toBeCloseTo(1, 1);
    });

    test('DISB: open and closed streams of workloads A to E and REAL', async () => {
      const streams = async (name: string) => {
        const {keys, closedLoops, at} = await readTrace(path(`apollo/disb_${name}.json`));
        return [keys.length, closedLoops.length, at.length];
      };
      expect(await streams('A')).toEqual([1, 1, 6000]);
      expect(await streams('B')).toEqual([0, 2, 0]);
      expect(await streams('D')).toEqual([5, 5, 6000]);
      const [open, closed, arrivals] = await streams('REAL');
      expect([open, closed]).toEqual([5, 5]);
      expect(arrivals).toBeLessThanOrEqual(375 + 202 + 560 + 374 + 173);
    });

    test('Orion: 6,240 gaps of mean 0.0480 s and cv 0.98', async () => {
      const {at} = await readTrace(path('apollo/orion_inter_arrival_times.json'));
      expect(at).toHaveLength(6241);
      expect(at[6240] / 6240 / 1e9).toBeCloseTo(0.048, 4);
    });

    test('ServeGen, mm-image: a day of 35 clients at their rates', async () => {
      const trace = await readTrace(path('servegen/mm-image_clients.csv.gz'), {to: 3600e9});
      expect(trace.keys).toHaveLength(35);
      expect(trace.lengthNs).toBe(3600e9);
      const whole = await readTrace(path('servegen/mm-image_clients.csv.gz'));
      expect(whole.at.subarray(0, trace.at.length)).toEqual(trace.at);
      const text = gunzipSync(readFileSync(path('servegen/mm-image_clients.csv.gz'))).toString();
      const windows = text.trim().split('\n').slice(1).map((row) => row.split(',').map(Number)); // prettier-ignore
      const expected = windows.reduce((sum, [, , rate]) => sum + rate * 600, 0);
      const variance = windows.reduce((sum, [, , rate, cv]) => sum + rate * 600 * cv ** 2, 0);
      expect(Math.abs(whole.at.length - expected) / Math.sqrt(variance)).toBeLessThan(4);
    });

    test('Azure Functions: samples of 2019 and 2021', async () => {
      expect((await readTrace(path('azure-functions-samples/invocations.csv'))).at).toHaveLength(4525);
      expect((await readTrace(path('azure-functions-samples/Azure2021_200.csv'))).keys).toHaveLength(31);
      await expect(readTrace(path('azure-functions-samples/invitro_base_inv.csv'))).rejects.toThrow(
        'no arrivals',
      );
    });
  },
);
