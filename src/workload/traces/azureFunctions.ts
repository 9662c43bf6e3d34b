// Azure Functions: invocation counts a minute (2019), and one row an invocation (2021).
import {InputError} from '../../scheduler/errors.ts';
import {stream} from '../random.ts';
import {columnsOf, csvRow} from './csvRow.ts';
import type {TraceFormat} from './format.ts';
import {detached} from './rows.ts';
import {BadRow} from './trace.ts';

const minute = 60e9;

/**
 * `invocations_per_function_md.anon.dNN.csv`: a row a function with its invocations in each minute of a day, which are
 * placed in the minute at random or evenly. The key is HashFunction, which differs between applications.
 */
export const azureFunctions2019: TraceFormat = {
  name: 'azure-functions-2019',
  origin: 'zero',
  ordered: false,
  detects: (line) => /^Hash\w+,Hash\w+,Hash\w+,(Trigger,)?1,2(,|$)/.test(line),
  open(rows, {options}) {
    let key = -1;
    let first = 0;
    let columns = 0;
    return {
      line(text) {
        const fields = csvRow(text);
        if (key < 0) {
          [key, first] = columnsOf(fields, ['HashFunction', '1']);
          columns = fields.length;
          rows.horizonNs = (columns - first) * minute;
          return;
        }
        if (fields.length !== columns)
          throw new BadRow(`invalid row: ${fields.length} columns (expected ${columns})`);
        const counts = fields.slice(first).map(countOf);
        const random = stream(options.seed, `trace/${fields[key]}/spread`);
        const id = rows.intern(fields[key]);
        for (let m = 0; m < counts.length; m++) {
          if (counts[m] === 0 || !rows.wants(m * minute, (m + 1) * minute)) continue;
          for (let i = 0; i < counts[m]; i++) {
            const part = options.spread === 'even' ? (i + 0.5) / counts[m] : random();
            rows.add(m * 60, Math.floor(part * minute), id);
          }
        }
      },
    };
  },
};

function countOf(text: string): number {
  const count = text === '' ? NaN : Number(text);
  if (!Number.isInteger(count) || count < 0) throw new BadRow(`invalid count: ${JSON.stringify(text)}`);
  return count;
}

/**
 * `AzureFunctionsInvocationTraceForTwoWeeksJan2021.txt`: app, func, end_timestamp and duration (s). An invocation
 * arrives at end_timestamp - duration. The key is `app/func`, as func is unique within its application only.
 */
export const azureFunctions2021: TraceFormat = {
  name: 'azure-functions-2021',
  origin: 'first',
  ordered: false,
  detects: (line) => line.startsWith('app,func,end_timestamp,duration'),
  open(rows) {
    let columns: number[] | undefined;
    const ids = new Map<string, Map<string, number>>(); // joining two hashes of 64 characters a row takes longer
    const idOf = (app: string, func: string): number => {
      let ofApp = ids.get(app);
      if (ofApp === undefined) ids.set(detached(app), (ofApp = new Map()));
      let id = ofApp.get(func);
      if (id === undefined) ofApp.set(detached(func), (id = rows.intern(`${app}/${func}`)));
      return id;
    };
    return {
      line(text) {
        const fields = csvRow(text);
        if (columns === undefined) {
          columns = columnsOf(fields, ['app', 'func', 'end_timestamp', 'duration']);
          return;
        }
        const [app, func, end, duration] = columns.map((column) => fields[column] ?? '');
        const endAt = seconds(end, 'timestamp');
        const lasted = seconds(duration, 'duration');
        if (lasted < 0) throw new BadRow(`invalid duration: ${JSON.stringify(duration)}`);
        // Negative for invocations that were running when the trace began.
        const start = Math.round((endAt - lasted) * 1e9);
        if (!Number.isSafeInteger(start))
          throw new InputError(`timestamp beyond 104 days: ${JSON.stringify(end)}`);
        rows.add(0, start, idOf(app, func));
      },
    };
  },
};

function seconds(text: string, noun: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new BadRow(`invalid ${noun}: ${JSON.stringify(text)}`);
  return value;
}
