// The examples in traces/: each format has one, they are what their script writes, and the README knows them all.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {describe, expect, test} from 'vitest';
import {readTrace} from '../../../src/experiment/readTrace.ts';
import {traceFormats} from '../../../src/workload/traces/formats.ts';

const traces = fileURLToPath(new URL('../../../traces/', import.meta.url));
const examples = readdirSync(join(traces, 'examples')).sort();

describe('examples', () => {
  test('are what make-examples.mjs writes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'examples-'));
    try {
      execFileSync(process.execPath, [join(traces, 'make-examples.mjs'), folder]);
      expect(readdirSync(folder).sort()).toEqual(examples);
      for (const file of examples)
        expect(readFileSync(join(folder, file), 'utf8')).toBe(
          readFileSync(join(traces, 'examples', file), 'utf8'),
        );
    } finally {
      rmSync(folder, {recursive: true});
    }
  });

  test.each(traceFormats.map(({name}) => name))('%s has one, which is detected', async (format) => {
    const file = examples.find((example) => example.startsWith(`${format}.`));
    expect(file).toBeDefined();
    const trace = await readTrace(join(traces, 'examples', file!));
    expect(trace.format).toBe(format);
    expect(trace.at.length).toBeGreaterThan(20);
    expect(trace.at.every((at, i) => Number.isInteger(at) && at >= 0 && at < trace.lengthNs && (i === 0 || trace.at[i - 1] <= at))).toBe(true); // prettier-ignore
  });

  test('the custom one is read by columns', async () => {
    const path = join(traces, 'examples', 'custom.jsonl');
    const trace = await readTrace(path, {columns: {time: 'ts', tenant: 'model', unit: 's'}});
    expect(trace.keys).toHaveLength(3);
    await expect(readTrace(path)).rejects.toThrow('unknown trace format');
  });

  test('every format is in the README', () => {
    const readme = readFileSync(join(traces, 'README.md'), 'utf8');
    for (const {name} of traceFormats) expect(readme).toContain(`\`${name}\``);
  });
});
