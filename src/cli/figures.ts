import {createHash} from 'node:crypto';
import {appendFileSync, existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {codeHash} from '../experiment/build.ts';
import {makeFigure} from '../experiment/figures/definition.ts';
import type {FigureDefinition} from '../experiment/figures/definition.ts';
import {figures as known, findFigure} from '../experiment/figures/figures.ts';
import type {Source} from '../experiment/figures/source.ts';
import {changes, findChange} from '../experiment/figures/variations.ts';
import type {Change} from '../experiment/figures/variations.ts';
import {profileNames, readProfile} from '../experiment/profileFiles.ts';
import type {RunSpec} from '../experiment/simulate.ts';
import {makeFolder} from '../files.ts';
import type {RunSummary} from '../metrics/result.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {
  comparisonCsv,
  comparisonTable,
  figureCsv,
  variationTable,
} from '../report/figures/comparisonTable.ts';
import type {Variation} from '../report/figures/comparisonTable.ts';
import type {Figure} from '../report/figures/figure.ts';
import {figureChart} from '../report/figures/figureChart.ts';
import {formatTable} from '../report/table.ts';
import type {Table} from '../report/table.ts';
import {InputError} from '../scheduler/errors.ts';
import {parseDuration} from '../workload/units.ts';
import type {Args, Command} from './command.ts';
import {flag, listOf, needed, repeated, text, textOf} from './command.ts';
import {InterruptedError} from './exitCode.ts';
import {formatOption, print} from './formats.ts';
import type {Io} from './io.ts';
import {liveOptions, ordinalOf} from './liveOptions.ts';
import {wholeNumber} from './scenarioOptions.ts';

/** Makes the figures and tables of the papers again, beside what was published. */
export const figures: Command = {
  positionals: {names: {type: 'string', array: true, describe: 'which; all by default'}},
  options: {
    list: flag('List the figures instead'),
    device: text('Device profile: a name, or a file (default: v100, live the one of the GPU)'),
    live: flag('Measure on the GPU; without names the figure coalescing'),
    gpu: liveOptions['gpu'],
    force: liveOptions['force'],
    hosts: text('Live: most threads or processes that submit at once (default: the cores less 2)'),
    budget: text('Live: time after which nothing is begun any more', {default: '5min'}),
    quick: flag('Few points of each, for a first look'),
    vary: repeated(
      `Also with a part of the model changed: ${changes.map(({name}) => name).join(', ')}; repeatable`,
    ),
    output: text('Folder for each figure’s data (CSV) and drawing (SVG)'),
    update: text('Replace the table between the marks in this Markdown file'),
    format: formatOption,
  },
  suggestions: {
    names: () => known.map(({name}) => name),
    device: () => profileNames(),
    vary: () => changes.map(({name}) => name),
  },
  examples: [
    ['$0 figures', 'all of them, as a table of published and simulated values'],
    ['$0 figures --live --output measured', 'coalescing against its baselines, measured on this GPU'],
    ['$0 figures coalescing --vary no-host --output figures', 'one, drawn, and again without the host'],
  ],
  async run(args, io) {
    if (args['list'] === true) {
      print(listTable(), known.map(aboutFigure), args['format'], io);
      return;
    }
    const live = args['live'] === true;
    const given = listOf(args, 'names') ?? [];
    const names = given.length === 0 && live ? usualLive : given;
    const chosen = names.length === 0 ? known : names.map(findFigure);
    const varied = (listOf(args, 'vary') ?? []).map(findChange);
    const detail = {quick: args['quick'] === true};
    const document = textOf(args, 'update');
    const folder = textOf(args, 'output');
    // Before the figures take their time.
    if (document !== undefined) marksIn(document);
    if (folder !== undefined) {
      makeFolder(folder);
      rmSync(join(folder, runsFile), {force: true});
    }
    const device = live ? await liveDevice(args, io) : (textOf(args, 'device') ?? 'v100');
    const profile = readProfile(device);
    const source: ClosableSource = live
      ? await liveOf(profile, device, args, io)
      : await simulatedOf(profile, io);
    let made: Figure[];
    try {
      made = await makeAll(chosen, source, detail, io);
    } finally {
      await source.close?.();
    }
    const variations: Variation[] = [];
    for (const change of varied) {
      const source = await simulatedOf(profile, io, change);
      variations.push({name: change.name, figures: await makeAll(chosen, source, detail, io)});
    }
    const about = {
      source: source.label,
      profile_sha256: hashOf(profile),
      code_hash: codeHash(),
      command: ['superkernel', ...io.args].join(' '),
      date: new Date().toISOString().slice(0, 10),
    };
    const table = withOrigin(comparisonTable(made, variations), made, about);
    if (folder !== undefined) writeAll(folder, made, io);
    if (document !== undefined && !io.interrupt.aborted)
      updateBlock(document, markdownOf(made, variations, about));
    print(table, {...about, figures: made, variations}, args['format'], io);
    if (io.interrupt.aborted)
      throw new InterruptedError(String(io.interrupt.reason), 'interrupted; the figures above have gaps');
  },
};

/** What measuring without a name measures: the claim of the papers, and by far not the longest. */
const usualLive = ['coalescing'];

/** A source, and how to end what it holds. */
type ClosableSource = Source & {close?(): Promise<void>};

async function simulatedOf(profile: DeviceProfile, {interrupt}: Io, change?: Change): Promise<Source> {
  const {simulatedSource} = await import('../experiment/figures/simulatedSource.ts');
  const shouldStop = (): boolean => interrupt.aborted;
  return simulatedSource(profile, change === undefined ? {shouldStop} : {shouldStop, change});
}

/** The profile that live figures decide by: as given, else the one that ships for this GPU. */
async function liveDevice(args: Args, io: Io): Promise<string> {
  const {requireDevice} = await import('../gpu/cuda.ts');
  const {profileMismatch, profileOnDevice} = await import('../experiment/checkProfile.ts');
  const ordinal = ordinalOf(args);
  const device = requireDevice()[ordinal];
  if (device === undefined) throw new InputError(`no such GPU: cuda:${ordinal}`);
  const given = textOf(args, 'device');
  const fits = (name: string): boolean => profileMismatch(readProfile(name), device) === null;
  const chosen = given ?? profileNames().find(fits) ?? 'v100';
  profileOnDevice(readProfile(chosen), device, {force: args['force'] === true, warn: warnTo(io)});
  return chosen;
}

async function liveOf(
  profile: DeviceProfile,
  profileName: string,
  args: Args,
  io: Io,
): Promise<ClosableSource> {
  const {LiveSource} = await import('../experiment/figures/liveSource.ts');
  const hosts = textOf(args, 'hosts');
  const folder = textOf(args, 'output');
  return new LiveSource(profile, {
    ordinal: ordinalOf(args),
    profileName,
    signal: io.interrupt,
    warn: warnTo(io),
    budgetMs: parseDuration(needed(args, 'budget')) / 1e6,
    ...(hosts === undefined ? {} : {mostHosts: wholeNumber(hosts, 'hosts')}),
    ...(folder === undefined ? {} : {onRun: (spec, summary) => keepRun(folder, spec, summary)}),
  });
}

const runsFile = 'runs.jsonl';

/** Every run as it is made: whatever ends the program, these are kept. */
function keepRun(folder: string, {policy, scenario}: RunSpec, summary: RunSummary): void {
  const [{model, replicas, batch}] = scenario.tenants;
  const {useful_flops_per_s, latency_mean_ns} = summary;
  const run = {policy, model, tenants: replicas, batch, useful_flops_per_s, latency_mean_ns};
  appendFileSync(join(folder, runsFile), `${JSON.stringify(run)}\n`);
}

const warnTo =
  (io: Io) =>
  (sentence: string): void =>
    io.stderr.write(`superkernel: warning: ${sentence}\n`);

/** Makes the figures; where it is interrupted, live ones with gaps. */
async function makeAll(
  chosen: readonly FigureDefinition[],
  source: Source,
  {quick}: {readonly quick: boolean},
  io: Io,
): Promise<Figure[]> {
  const made: Figure[] = [];
  const startedAt = performance.now();
  const clear = io.stderr.isTTY ? '\r\x1b[2K' : '';
  const onProgress = (line: string): void => {
    if (!source.isLive) return;
    const seconds = Math.round((performance.now() - startedAt) / 1e3);
    io.stderr.write(`${clear}${seconds} s  ${line}\n`);
  };
  for (const definition of chosen) {
    if (io.stderr.isTTY) io.stderr.write(`${clear}${source.label}: ${definition.name}`);
    made.push(await makeFigure(definition, source, {quick, onProgress}));
    if (!io.interrupt.aborted) continue;
    // What was measured is worth its gaps; what is simulated is made again.
    if (source.isLive) break;
    throw new InterruptedError(String(io.interrupt.reason), `interrupted while making ${definition.name}`);
  }
  io.stderr.write(clear);
  return made;
}

interface Origin {
  readonly source: string;
  readonly profile_sha256: string;
  readonly code_hash: string;
  readonly command: string;
  readonly date: string;
}

/** The table with what made it below, and the notes of its figures. */
function withOrigin(table: Table, made: readonly Figure[], origin: Origin): Table {
  return {
    ...table,
    notes: [
      ...table.notes,
      `Made by \`${origin.command}\` on ${origin.date}: ${origin.source}, profile ${origin.profile_sha256}, code ${origin.code_hash}.`,
      ...made.map(({name, citation, notes}) => `${name} (${citation}): ${notes.join(' ')}`),
    ],
  };
}

function writeAll(folder: string, made: readonly Figure[], io: Io): void {
  makeFolder(folder);
  for (const figure of made) {
    writeFileSync(join(folder, `${figure.name}.csv`), figureCsv(figure));
    writeFileSync(join(folder, `${figure.name}.svg`), `${figureChart(figure)}\n`);
  }
  writeFileSync(join(folder, 'comparison.csv'), comparisonCsv(made));
  io.stderr.write(`written: ${join(folder, 'comparison.csv')} and ${made.length} figures\n`);
}

/** The table of what was published, and another with the variations: one would be too wide. */
function markdownOf(made: readonly Figure[], variations: readonly Variation[], origin: Origin): string {
  const main = formatTable(withOrigin(comparisonTable(made), made, origin), 'markdown');
  if (variations.length === 0) return main;
  const changed = changes.filter(({name}) => variations.some((variation) => variation.name === name));
  const meanings = changed.map(({name, summary}) => `- \`${name}\`: ${summary}`).join('\n');
  return `${main}\nThe same with a part of the model changed:\n\n${meanings}\n\n${formatTable(variationTable(made, variations), 'markdown')}`;
}

const begin = '<!-- figures: begin -->';
const end = '<!-- figures: end -->';

/** The document in front of the marks and behind them. Throws an InputError where it has none. */
function marksIn(file: string): [before: string, after: string] {
  if (!existsSync(file)) throw new InputError(`missing document: ${file}`);
  const document = readFileSync(file, 'utf8');
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from)
    throw new InputError(`${file}: missing marks (expected lines "${begin}" and "${end}")`);
  return [document.slice(0, from), document.slice(to)];
}

function updateBlock(file: string, markdown: string): void {
  const [before, after] = marksIn(file);
  writeFileSync(file, `${before}${begin}\n\n${markdown}\n${after}`);
}

const hashOf = (profile: DeviceProfile): string =>
  createHash('sha256').update(JSON.stringify(profile)).digest('hex').slice(0, 12);

const aboutFigure = ({name, title, citation}: FigureDefinition) => ({name, title, citation});

function listTable(): Table {
  return {
    columns: [
      {name: 'figure', align: 'left'},
      {name: 'what it shows', align: 'left'},
      {name: 'source', align: 'left'},
    ],
    rows: known.map(({name, title, citation}) => ({cells: [name, title, citation]})),
    notes: [`Variations: ${changes.map(({name, summary}) => `${name} (${summary})`).join('; ')}.`],
  };
}
