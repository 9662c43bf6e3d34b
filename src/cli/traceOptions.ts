// How a trace file is read, as options.
import type {Options} from 'yargs';
import {timeUnits} from '../workload/traces/trace.ts';
import type {ColumnMap, TimeUnit, TraceOptions} from '../workload/traces/trace.ts';
import {traceFormats} from '../workload/traces/formats.ts';
import {parseDuration} from '../workload/units.ts';
import {flag, text, textOf} from './command.ts';
import type {Args} from './command.ts';
import {UsageError} from './exitCode.ts';

export const traceOptions: Readonly<Record<string, Options>> = {
  'trace-format': text('Format of the trace', {
    choices: [...traceFormats.map(({name}) => name), 'csv', 'jsonl'],
    defaultDescription: 'detected',
  }),
  map: text('Columns of other tables: time=TIMESTAMP,tenant=model,unit=ms'),
  from: text('Start at this time of the trace, such as 10min'),
  to: text('End before this time of the trace'),
  'time-scale': text('Multiply all times: 0.5 replays at double speed'),
  'rate-scale': text('Requests for each of the trace: 0.1 keeps a tenth, 3 makes three'),
  'on-bad-row': text('What to do with rows that cannot be read', {
    choices: ['fail', 'skip'],
    default: 'fail',
  }),
  spread: text('Where requests are in the minute that a format counts them in', {
    choices: ['uniform', 'even'],
    default: 'uniform',
  }),
  sort: flag('Sort rows that are out of order'),
};

/** The options of `readTrace`, without those not given; the seed is the caller's. */
export function traceOptionsOf(args: Args): Omit<TraceOptions, 'seed'> {
  const format = textOf(args, 'trace-format');
  const map = textOf(args, 'map');
  const from = textOf(args, 'from');
  const to = textOf(args, 'to');
  const timeScale = positive(args, 'time-scale');
  const rateScale = positive(args, 'rate-scale');
  return {
    ...(format === undefined ? {} : {format}),
    ...(map === undefined ? {} : {columns: columnsOf(map)}),
    ...(from === undefined ? {} : {from: parseDuration(from)}),
    ...(to === undefined ? {} : {to: parseDuration(to)}),
    ...(timeScale === undefined ? {} : {timeScale}),
    ...(rateScale === undefined ? {} : {rateScale}),
    ...(args['sort'] === true ? {sort: true} : {}),
    ...(args['spread'] === 'even' ? {spread: 'even'} : {}),
    ...(args['on-bad-row'] === 'skip' ? {onBadRow: 'skip'} : {}),
  };
}

function positive(args: Args, name: string): number | undefined {
  const value = textOf(args, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (number > 0 && number < Infinity) return number;
  throw new UsageError(`invalid ${name}: ${value} (expected a number above 0)`);
}

function columnsOf(map: string): ColumnMap {
  const wrong = (): UsageError =>
    new UsageError(`invalid map: ${map} (expected such as time=TIMESTAMP,tenant=model,unit=ms)`);
  const columns = new Map(
    map.split(',').map((part) => {
      const [key, column, ...more] = part.split('=');
      if (!['time', 'tenant', 'unit'].includes(key) || !column || more.length > 0) throw wrong();
      return [key, column];
    }),
  );
  const time = columns.get('time');
  const unit = columns.get('unit');
  if (time === undefined) throw wrong();
  if (unit !== undefined && !timeUnits.includes(unit as TimeUnit)) {
    throw new UsageError(`invalid unit: ${unit} (expected ${timeUnits.join(', ')})`);
  }
  const tenant = columns.get('tenant');
  return {
    time,
    ...(tenant === undefined ? {} : {tenant}),
    ...(unit === undefined ? {} : {unit: unit as TimeUnit}),
  };
}
