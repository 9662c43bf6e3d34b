// What is written for a user: files that are whole or absent, and the folders that they are in.
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {dirname} from 'node:path';
import {InputError, SuperkernelError} from './scheduler/errors.ts';

/**
 * A file that is written in pieces and is whole or absent: the pieces go beside its place, and then into it. Links are
 * followed. What is there and is no regular file, such as a pipe, is written to as it is.
 */
export class OutputFile {
  private readonly place: string;
  /** Null where the pieces go into their place at once. */
  private readonly draft: string | null;
  private readonly descriptor: number;

  constructor(file: string) {
    const regular = regularFile(file);
    this.place = regular ?? file;
    this.draft = regular === null ? null : `${regular}.${process.pid}.tmp`;
    try {
      this.descriptor = openSync(this.draft ?? file, 'w');
    } catch (error) {
      // The system's sentence ends with what it did, and with a path that may be the draft's.
      const reason = (error as Error).message.replace(/, \w+ '.*$/s, '');
      throw new SuperkernelError(`cannot write ${file}: ${reason}`, {cause: error});
    }
  }

  write(text: string): void {
    writeFileSync(this.descriptor, text);
  }

  /** All is written: it takes the place of what was there. */
  keep(): void {
    closeSync(this.descriptor);
    if (this.draft === null) return;
    try {
      renameSync(this.draft, this.place);
    } catch (error) {
      rmSync(this.draft, {force: true});
      throw error;
    }
  }

  /** No more is to come: what was there stays. */
  discard(): void {
    closeSync(this.descriptor);
    if (this.draft !== null) rmSync(this.draft, {force: true});
  }
}

/** Writes a file from its pieces, whole or not at all, as `OutputFile` does. */
export function writeWhole(file: string, pieces: Iterable<string>): void {
  const output = new OutputFile(file);
  try {
    for (const piece of pieces) output.write(piece);
  } catch (error) {
    output.discard();
    throw error;
  }
  output.keep();
}

/** The regular file that a path leads to or that is to be made there; null where something else is there. */
function regularFile(file: string): string | null {
  const found = statSync(file, {throwIfNoEntry: false});
  if (found !== undefined) return found.isFile() ? realpathSync(file) : null;
  // Opening a link that leads to nothing makes what it leads to.
  const isLink = lstatSync(file, {throwIfNoEntry: false}) !== undefined;
  return isLink ? null : file;
}

/** Refuses the path of a folder, or none, where a file is to be written. Throws an InputError. */
export function refuseFolder(file: string): void {
  if (file === '') throw new InputError('cannot write a file without a name');
  const isFolder = isFolderAt(file) || file.endsWith('/');
  if (isFolder) throw new InputError(`cannot write ${file}: a folder (expected a file)`);
}

/**
 * Refuses a file that cannot be written where it is to be, before anything takes its time to fill it. Throws an
 * InputError that says why.
 */
export function checkWritable(file: string): void {
  refuseFolder(file);
  const folder = dirname(file);
  if (!isFolderAt(folder)) throw new InputError(`cannot write ${file}: missing folder ${folder}`);
}

const isFolderAt = (path: string): boolean => statSync(path, {throwIfNoEntry: false})?.isDirectory() === true;

/**
 * Makes a folder and those around it that are missing, one by one. Node's `recursive` never ends where the system says
 * that a folder is missing which is there: under /proc, and in a working directory that was deleted.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const around = dirname(folder);
  if (around !== folder) makeFolder(around);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it since.
    if (!existsSync(folder)) throw error;
  }
}
