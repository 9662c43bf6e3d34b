import type {RowRules, TraceRows} from './rows.ts';
import type {ResolvedOptions} from './trace.ts';

/** What a reader of a format knows beside the rows. */
export interface ReadContext {
  /** The trace's name, which is the key of traces that tell nothing apart. */
  readonly name: string;
  readonly options: ResolvedOptions;
}

/** Reads the lines of one file into rows. Throws a BadRow for a line that may be passed over, else an InputError. */
export interface LineReader {
  /** Reads a line without its line end; the first is the first that is not blank. */
  line(text: string): void;
  /** All lines were read. */
  end?(): void;
}

/** A kind of file that holds arrivals. */
export interface TraceFormat extends RowRules {
  readonly name: string;
  /** Whether a file that begins with this line is of the format. */
  detects(firstLine: string): boolean;
  open(rows: TraceRows, context: ReadContext): LineReader;
}
