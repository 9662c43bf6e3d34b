// Traces from files, plain or gzipped.
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {open} from 'node:fs/promises';
import {PassThrough, type Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {createGunzip} from 'node:zlib';
import {InputError} from '../scheduler/errors.ts';
import {TraceParser} from '../workload/traces/parseTrace.ts';
import type {Trace, TraceOptions} from '../workload/traces/trace.ts';

/** First bytes of archives that people download traces in, and cannot be read as they are. */
const archives: readonly (readonly [string, string])[] = [
  ['fd377a585a', 'xz'],
  ['526172211a', 'rar'],
  ['504b0304', 'zip'],
  ['377abcaf', '7z'],
  ['28b52ffd', 'zstd'],
  ['425a68', 'bzip2'],
  ['5041523', 'Parquet'],
];

/**
 * Reads a trace from a file, which may be gzipped whatever its name. It is read in pieces: memory holds the arrivals
 * that are kept (12 bytes each), not the file. Throws an InputError that begins with `file:line` or `file`.
 */
export async function readTrace(path: string, options: TraceOptions = {}): Promise<Trace> {
  const parser = new TraceParser(path, options);
  const gzipped = await isGzip(path);
  const hash = createHash('sha256');
  const decoder = new TextDecoder();
  try {
    await pipeline(
      createReadStream(path, {highWaterMark: 2 ** 18}),
      async function* (bytes: Readable) {
        for await (const piece of bytes as AsyncIterable<Buffer>) {
          hash.update(piece);
          yield piece;
        }
      },
      gzipped ? createGunzip({chunkSize: 2 ** 18}) : new PassThrough(),
      async (bytes: AsyncIterable<Buffer>) => {
        for await (const piece of bytes) parser.push(decoder.decode(piece, {stream: true}));
      },
    );
  } catch (error) {
    throw explained(error, path);
  }
  parser.push(decoder.decode());
  return parser.finish(hash.digest('hex'));
}

async function isGzip(path: string): Promise<boolean> {
  const start = Buffer.alloc(8);
  try {
    const file = await open(path);
    try {
      await file.read(start, 0, 8, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explained(error, path);
  }
  const first = start.toString('hex');
  const archive = archives.find(([magic]) => first.startsWith(magic));
  if (archive !== undefined)
    throw new InputError(`${path}: a ${archive[1]} file (expected text, plain or gzipped; unpack it first)`);
  return first.startsWith('1f8b');
}

function explained(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof InputError) return error;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new InputError(`${path}: no such file`, {cause: error});
  if (code === 'EISDIR') return new InputError(`${path}: a folder (expected a file)`, {cause: error});
  if (code === 'EACCES') return new InputError(`${path}: permission denied`, {cause: error});
  if (code === 'Z_BUF_ERROR') return new InputError(`${path}: truncated gzip file`, {cause: error});
  if (typeof code === 'string' && code.startsWith('Z_'))
    return new InputError(`${path}: damaged gzip file (${error.message})`, {cause: error});
  return error;
}
