// Files that are written whole or not at all, in place of files only.
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {OutputFile, makeFolder, writeWhole} from '../src/files.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'superkernel-files-'))));
afterEach(() => rmSync(folder, {recursive: true}));

describe('a file', () => {
  test('that was there stays until all is written', () => {
    writeFileSync(at('a'), 'old');
    const output = new OutputFile(at('a'));
    output.write('new');
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
    output.keep();
    expect(readFileSync(at('a'), 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('that is discarded leaves what was there', () => {
    writeFileSync(at('a'), 'old');
    const output = new OutputFile(at('a'));
    output.write('new');
    output.discard();
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('that a link leads to is written, and the link stays', () => {
    mkdirSync(at('deep'));
    writeFileSync(at('deep/a'), 'old');
    symlinkSync('deep/a', at('link'));
    writeWhole(at('link'), ['new']);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('deep/a'), 'utf8')).toBe('new');
  });

  test('that a link leads to is made where it is missing', () => {
    symlinkSync('a', at('link'));
    writeWhole(at('link'), ['new']);
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('a'), 'utf8')).toBe('new');
  });

  test('that cannot go to its place leaves nothing behind', () => {
    const output = new OutputFile(at('a'));
    output.write('new');
    mkdirSync(at('a'));
    expect(() => output.keep()).toThrow();
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('that cannot be opened is named as the user named it', () => {
    expect(() => writeWhole(at('no/a'), ['new'])).toThrow(
      `cannot write ${at('no/a')}: ENOENT: no such file or directory`,
    );
  });
});

test('a folder is made with those around it, and may be there', () => {
  makeFolder(at('a/b/c'));
  makeFolder(at('a/b/c'));
  expect(readdirSync(at('a/b'))).toEqual(['c']);
  writeFileSync(at('file'), '');
  expect(() => makeFolder(at('file/c'))).toThrow('ENOTDIR');
});
