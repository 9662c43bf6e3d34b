// Reads a trace from text that comes in pieces, and says where it is wrong.
import {InputError} from '../../scheduler/errors.ts';
import type {LineReader, TraceFormat} from './format.ts';
import {formatOf} from './formats.ts';
import {TraceRows} from './rows.ts';
import {BadRow, withDefaults, type ResolvedOptions, type Trace, type TraceOptions} from './trace.ts';

/** No trace has lines this long (characters); without the limit a binary file would fill the memory. */
const longestLine = 2 ** 26;

const byteOrderMark = '\u{feff}';

/** Reads a trace from pieces of text of any length. Errors are InputErrors that begin with `file:line`. */
export class TraceParser {
  private readonly file: string;
  private readonly name: string;
  private readonly options: ResolvedOptions;
  private readonly pieces: string[] = [];
  private pending = 0;
  private lineNumber = 0;
  private skipped = 0;
  private format: TraceFormat | undefined;
  private reader: LineReader | undefined;
  private rows: TraceRows | undefined;

  /** `file` is the path that errors name; without folder and extensions it is the name of the trace. */
  constructor(file: string, options: TraceOptions = {}) {
    this.file = file;
    this.name = /([^/\\]*?)(?:\.(?:csv|txt|json|jsonl|gz))*$/.exec(file)![1];
    this.options = withDefaults(options);
  }

  /** Reads the next piece of text. */
  push(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.pieces.push(text.slice(start, end));
      this.readPieces();
      start = end + 1;
    }
    if (start === text.length) return;
    this.pieces.push(text.slice(start));
    this.pending += text.length - start;
    if (this.pending > longestLine)
      throw this.at(this.lineNumber + 1, `line longer than ${longestLine} characters (expected text)`);
  }

  /** All text was pushed: the trace. `sha256` is that of the file as it is stored. */
  finish(sha256 = ''): Trace {
    if (this.pieces.length > 0) this.readPieces();
    const {format, reader, rows, file} = this;
    if (format === undefined || reader === undefined || rows === undefined)
      throw new InputError(`${file}: empty file`);
    try {
      reader.end?.();
      const {at, key, lengthNs} = rows.finish();
      const {keys, models, closedLoops} = rows;
      const {name, skipped} = this;
      return {name, format: format.name, sha256, keys, models, at, key, lengthNs, closedLoops, skipped};
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const passedOver = this.skipped > 0 ? ` (${this.skipped} rows skipped)` : '';
      throw new InputError(`${file}: ${error.message}${passedOver}`, {cause: error});
    }
  }

  private readPieces(): void {
    const line = this.pieces.length === 1 ? this.pieces[0] : this.pieces.join('');
    this.pieces.length = 0;
    this.pending = 0;
    this.readLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  private readLine(text: string): void {
    this.lineNumber++;
    const line = this.lineNumber === 1 && text.startsWith(byteOrderMark) ? text.slice(1) : text;
    if (line === '' || (line.charCodeAt(0) <= 32 && line.trim() === '')) return;
    try {
      this.reader ??= this.open(line);
      this.reader.line(line);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (error instanceof BadRow && this.options.onBadRow === 'skip') this.skipped++;
      else throw this.at(this.lineNumber, error.message, error);
    }
  }

  private open(firstLine: string): LineReader {
    const {options, name} = this;
    this.format = formatOf(firstLine.trim(), options.format, options.columns);
    this.rows = new TraceRows(options, this.format);
    return this.format.open(this.rows, {name, options});
  }

  private at(line: number, message: string, cause?: Error): InputError {
    return new InputError(`${this.file}:${line}: ${message}`, {cause});
  }
}

/** Reads a trace from text. */
export function parseTrace(file: string, text: string, options: TraceOptions = {}): Trace {
  const parser = new TraceParser(file, options);
  parser.push(text);
  return parser.finish();
}
