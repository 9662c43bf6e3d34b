import {formatDuration, formatNumber, none} from '../report/format.ts';
import type {Table} from '../report/table.ts';
import {traceStats} from '../workload/traces/stats.ts';
import type {ArrivalStats} from '../workload/traces/stats.ts';
import type {Command} from './command.ts';
import {needed, text} from './command.ts';
import {formatOption, print} from './formats.ts';
import {wholeNumber} from './scenarioOptions.ts';
import {traceOptions, traceOptionsOf} from './traceOptions.ts';

/** Looks into trace files. */
export const trace: Command = {
  positionals: {
    action: {type: 'string', choices: ['stats'], describe: 'what to do'},
    file: {type: 'string', describe: 'trace file, plain or gzipped'},
  },
  options: {
    ...traceOptions,
    top: text('Show only the clients with most requests', {default: '20'}),
    format: formatOption,
  },
  examples: [['$0 trace stats AzureFunctionsInvocationTrace.txt.gz --to 1h', 'rates and burstiness']],
  async run(args, io) {
    const {readTrace} = await import('../experiment/readTrace.ts');
    const found = await readTrace(needed(args, 'file'), traceOptionsOf(args));
    const {total, keys} = traceStats(found);
    const {name, format, sha256, lengthNs, skipped, closedLoops} = found;
    const most = wholeNumber(needed(args, 'top'), 'top');
    const busiest = keys.toSorted((a, b) => b.count - a.count).slice(0, most);
    if (args['format'] === 'table') {
      const bad = skipped === 0 ? '' : `, ${skipped} rows skipped`;
      const loops = closedLoops.length === 0 ? '' : `, ${closedLoops.length} closed loops`;
      io.stdout.write(
        `${name}: ${format}, ${formatNumber(total.count, 0)} requests of ${keys.length} clients in ${formatDuration(lengthNs)}${bad}${loops}\n\n`,
      );
    }
    const json = {name, format, sha256, length_ns: lengthNs, skipped, total, clients: busiest};
    print(tableOf(total, busiest, keys.length), json, args['format'], io);
  },
};

function tableOf(total: ArrivalStats, keys: readonly ({key: string} & ArrivalStats)[], count: number): Table {
  const left = count - keys.length;
  return {
    columns: [
      {name: 'client', align: 'left'},
      {name: 'requests', align: 'right'},
      {name: 'rate', unit: '1/s', align: 'right'},
      {name: 'cv of gaps', align: 'right'},
      {name: 'peak/mean', align: 'right'},
      {name: 'dispersion 1 s', align: 'right'},
      {name: 'dispersion 10 s', align: 'right'},
    ],
    rows: [{cells: cellsOf('all', total)}, ...keys.map((each) => ({cells: cellsOf(each.key, each)}))],
    notes: [
      ...(left > 0 ? [`${left} clients with fewer requests are left out (see --top).`] : []),
      'A Poisson process has a cv and a dispersion (variance over mean of counts) of 1; more is burstier.',
    ],
  };
}

function cellsOf(name: string, stats: ArrivalStats): string[] {
  const {count, rate, cv, peakToMean, dispersion1s, dispersion10s} = stats;
  const figures = [cv, peakToMean, dispersion1s, dispersion10s];
  return [
    name,
    formatNumber(count, 0),
    formatNumber(rate),
    ...figures.map((value) => (value === null ? none : formatNumber(value))),
  ];
}
