// Traces from files: gzip, hashes, and what is said of files that are none.
import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {readTrace} from '../../src/experiment/readTrace.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'traces-'));
});
afterAll(() => rmSync(folder, {recursive: true}));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const rows = Array.from({length: 50_000}, (_, i) => `${i * 1000},tenant-é${i % 3}`);
const text = ['at_ns,tenant', ...rows, ''].join('\n');

describe('readTrace', () => {
  test('reads a file of many pieces, and hashes its bytes', async () => {
    const path = file('plain.csv', text);
    const trace = await readTrace(path);
    expect(trace.at).toHaveLength(50_000);
    expect(trace.keys).toEqual(['tenant-é0', 'tenant-é1', 'tenant-é2']);
    expect(trace.sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
  });

  test('reads gzip whatever its name; the hash is that of the file as it is', async () => {
    const zipped = gzipSync(text);
    for (const name of ['a.csv.gz', 'a-zipped.csv']) {
      const trace = await readTrace(file(name, zipped));
      expect(trace.at).toHaveLength(50_000);
      expect(trace.sha256).toBe(createHash('sha256').update(zipped).digest('hex'));
    }
  });

  test('reads gzip of several members', async () => {
    const half = text.length / 2;
    const zipped = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]);
    expect((await readTrace(file('members.csv.gz', zipped))).at).toHaveLength(50_000);
  });

  test('names file and line of a bad row, in gzip too', async () => {
    const bad = text.replace('\n20000000,', '\n2000000O,');
    for (const [name, content] of [
      ['bad.csv', bad],
      ['bad.csv.gz', gzipSync(bad)],
    ] as const) {
      // prettier-ignore
      const path = file(name, content);
      await expect(readTrace(path)).rejects.toThrow(`${path}:20002: invalid timestamp: "2000000O"`);
    }
  });

  test.each([
    ['truncated.csv.gz', gzipSync(text).subarray(0, 20_000), 'truncated gzip file'],
    ['header.csv.gz', gzipSync(text).subarray(0, 5), 'truncated gzip file'],
    ['damaged.csv.gz', gzipSync(text).fill(7, 5000, 5100), /damaged gzip file \(|:\d+: /],
    ['empty.csv', Buffer.alloc(0), 'empty file'],
    [
      'a.tar.xz',
      Buffer.from('fd377a585a0000', 'hex'),
      'a xz file (expected text, plain or gzipped; unpack it first)',
    ],
    [
      'a.rar',
      Buffer.from('526172211a0701', 'hex'),
      'a rar file (expected text, plain or gzipped; unpack it first)',
    ],
  ])('says what is wrong with %s', async (name, content, message) => {
    const path = file(name, content);
    const error = await readTrace(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({name: 'InputError', code: 'INPUT'});
    if (typeof message === 'string') expect(error).toMatchObject({message: `${path}: ${message}`});
    else expect(String(error)).toMatch(message);
  });

  test('says that there is no file, or that it is a folder', async () => {
    await expect(readTrace(join(folder, 'none.csv'))).rejects.toThrow(
      `${join(folder, 'none.csv')}: no such file`,
    );
    await expect(readTrace(folder)).rejects.toThrow(`${folder}: a folder (expected a file)`);
  });
});
