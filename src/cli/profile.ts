import {writeFileSync} from 'node:fs';
import {profileNames, readProfile, writeProfile} from '../experiment/profileFiles.ts';
import {checkWritable} from '../files.ts';
import {mean} from '../metrics/stats.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {formatNumber} from '../report/format.ts';
import {measuredPairs, measuredTables} from '../report/figures/measuredTables.ts';
import {
  checkTable,
  differencesTable,
  factsOf,
  factsTable,
  residualsTable,
  worstTable,
} from '../report/figures/profileTables.ts';
import {formatTable} from '../report/table.ts';
import type {Table, TableFormat} from '../report/table.ts';
import {parseDuration} from '../workload/units.ts';
import type {Args, Command} from './command.ts';
import {listOf, needed, repeated, text, textOf} from './command.ts';
import {UsageError} from './exitCode.ts';
import {formatOption, print} from './formats.ts';
import {wholeNumber} from './scenarioOptions.ts';
import type {Io} from './io.ts';

/** Looks into device profiles, checks them against measurements, and fits them. */
export const profile: Command = {
  positionals: {
    action: {
      type: 'string',
      choices: ['list', 'show', 'check', 'fit', 'compare'],
      describe: 'what to do',
    },
    names: {type: 'string', array: true, describe: 'profiles (names or files), then tables of GEMM times'},
  },
  options: {
    output: text('show: SVG of the roofline; fit: the profile to write', {alias: 'o'}),
    start: text('fit: profile to start from, which keeps all that is not fitted', {default: 'v100'}),
    name: text('fit: name of the profile', {defaultDescription: 'that of the start'}),
    error: text('fit: absolute error of the measured times', {default: '5us'}),
    unseen: repeated('fit: a source to check with and not to fit; repeatable'),
    most: text('fit: most measurements to use', {default: '6000'}),
    format: formatOption,
  },
  suggestions: {names: () => profileNames()},
  examples: [
    ['$0 profile show v100 -o roofline.svg', 'its numbers, where they come from, its roofline'],
    ['$0 profile check v100 gemms.csv.gz', 'errors by source and shape, and the ten worst'],
  ],
  async run(args, io) {
    const names = listOf(args, 'names') ?? [];
    const action = needed(args, 'action');
    if (action === 'list') list(args, io);
    else if (action === 'show') await show(only(names, 'show NAME'), args, io);
    else if (action === 'compare') {
      if (names.length !== 2)
        throw new UsageError('profile compare takes two profiles, as in "compare v100 h200"');
      await compare(readProfile(names[0]), readProfile(names[1]), args, io);
    } else if (action === 'check') {
      if (names.length < 2) throw new UsageError('missing data: expected "profile check NAME DATA..."');
      await check(readProfile(names[0]), names.slice(1), args, io);
    } else await fit(names, args, io);
  },
};

function only(names: readonly string[], usage: string): string {
  if (names.length !== 1) throw new UsageError(`expected one profile: "profile ${usage}"`);
  return names[0];
}

function list(args: Args, io: Io): void {
  const profiles = profileNames().map((name) => readProfile(name));
  const table: Table = {
    columns: [
      {name: 'profile', align: 'left'},
      {name: 'GPU', align: 'left'},
      {name: 'numbers', align: 'right'},
      {name: 'assumed', align: 'right'},
      {name: 'summary', align: 'left'},
    ],
    rows: profiles.map((each) => {
      const facts = factsOf(each);
      const assumed = facts.filter(({source}) => source === 'assumption').length;
      return {cells: [each.name, each.hardware.gpu, String(facts.length), String(assumed), each.summary]};
    }),
    notes: ['Numbers are those outside the GEMM model; assumed ones are nobody’s measurement.'],
  };
  const json = profiles.map(({name, summary, hardware}) => ({name, summary, gpu: hardware.gpu}));
  print(table, json, args['format'], io);
}

async function show(name: string, args: Args, io: Io): Promise<void> {
  const {showProfile} = await import('../profile/showProfile.ts');
  const shown = readProfile(name);
  const view = showProfile(shown);
  const file = textOf(args, 'output');
  if (file !== undefined) {
    checkWritable(file);
    const {figureChart} = await import('../report/figures/figureChart.ts');
    const {rooflineFigure} = await import('../report/figures/roofline.ts');
    writeFileSync(file, `${figureChart(rooflineFigure(view))}\n`);
  }
  const tables = [factsTable(shown), residualsTable(view)];
  printAll(`${view.name}: ${view.summary}`, tables, {...view, facts: factsOf(shown)}, args, io);
}

async function check(checked: DeviceProfile, files: readonly string[], args: Args, io: Io): Promise<void> {
  const {readMeasurements} = await import('../experiment/figures/readMeasurements.ts');
  const {checkProfile} = await import('../profile/checkProfile.ts');
  const found = checkProfile(checked, readMeasurements(files));
  if (found.comparisons.length === 0)
    throw new UsageError('nothing to check: no measurement of a type that the profile knows');
  const {comparisons: _comparisons, ...json} = found;
  const heading = `${checked.name} against ${files.join(', ')}`;
  printAll(heading, [checkTable(found), worstTable(found)], json, args, io);
}

async function fit(files: readonly string[], args: Args, io: Io): Promise<void> {
  const output = textOf(args, 'output');
  if (files.length === 0 || output === undefined)
    throw new UsageError('missing data or --output: expected "profile fit DATA... -o FILE"');
  checkWritable(output);
  const {readMeasurements} = await import('../experiment/figures/readMeasurements.ts');
  const {fitProfile} = await import('../profile/fitProfile.ts');
  const start = readProfile(needed(args, 'start'));
  const rows = readMeasurements(files);
  const unseenSources = listOf(args, 'unseen') ?? [];
  const clocks = Object.entries(start.sources).flatMap(([id, {clock_mhz}]) =>
    clock_mhz === undefined ? [] : [[id, clock_mhz] as const],
  );
  const fitted = fitProfile(start, rows, {
    dtype: 'fp32',
    absoluteNs: parseDuration(needed(args, 'error')),
    clockMHz: Object.fromEntries(clocks),
    unseenSources,
    most: wholeNumber(args['most'], 'most'),
  });
  const sources = [...new Set(rows.map(({source}) => source))].filter((id) => !unseenSources.includes(id));
  const unknown = sources.filter((id) => !(id in start.sources));
  const origin = {title: `measurements in ${files.join(', ')}`, licence: 'unknown'};
  const named: DeviceProfile = {
    ...fitted,
    name: textOf(args, 'name') ?? start.name,
    sources: {...start.sources, ...Object.fromEntries(unknown.map((id) => [id, origin]))},
    gemm: {...fitted.gemm, fp32: {...fitted.gemm.fp32!, source: sources}},
  };
  writeProfile(output, named);
  const {showProfile} = await import('../profile/showProfile.ts');
  const view = showProfile(named);
  printAll(`written: ${output}`, [residualsTable(view)], view.residuals, args, io);
}

async function compare(a: DeviceProfile, b: DeviceProfile, args: Args, io: Io): Promise<void> {
  const {costModel} = await import('../profile/costModel.ts');
  const {modelGemms} = await import('../experiment/figures/modelGemms.ts');
  const gemms = modelGemms();
  const [costsA, costsB] = [costModel(a), costModel(b)];
  const rows = ([1, 8, 64] as const).map((size) => {
    const method = size === 1 ? 'single' : 'batched';
    const ratios = gemms.map((gemm) =>
      Math.log(costsB.durationNs(gemm, size, method) / costsA.durationNs(gemm, size, method)),
    );
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
    return {size, mean: Math.exp(mean(ratios)), least: Math.exp(least), most: Math.exp(most)};
  });
  const times: Table = {
    columns: [
      {name: 'predicted time of the models’ GEMMs', align: 'left'},
      {name: `${b.name} over ${a.name}`, align: 'right'},
      {name: 'least', align: 'right'},
      {name: 'most', align: 'right'},
    ],
    rows: rows.map(({size, mean: typical, least, most}) => ({
      cells: [
        size === 1 ? 'one at a time' : `${size} coalesced`,
        ...[typical, least, most].map((ratio) => formatNumber(ratio, 3)),
      ],
    })),
    notes: ['Geometric mean over the different GEMMs of all known models.'],
  };
  const measured = measuredPairs(a, b);
  const tables = [differencesTable(a, b), times, ...measuredTables(a, b, measured)];
  printAll(`${a.name} and ${b.name}`, tables, {times: rows, measured}, args, io);
}

/** Several tables after each other, under a heading where people read; as JSON what they were made of. */
function printAll(heading: string, tables: readonly Table[], json: unknown, args: Args, io: Io): void {
  const format = args['format'];
  if (format === 'json') {
    io.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
    return;
  }
  if (format === 'table') io.stdout.write(`${heading}\n\n`);
  io.stdout.write(tables.map((table) => formatTable(table, format as TableFormat)).join('\n'));
}
