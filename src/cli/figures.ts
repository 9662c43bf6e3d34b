import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {codeHash} from '../experiment/build.ts';
import {makeFigure} from '../experiment/figures/definition.ts';
import type {FigureDefinition} from '../experiment/figures/definition.ts';
import {figures as known, findFigure} from '../experiment/figures/figures.ts';
import type {Source} from '../experiment/figures/source.ts';
import {changes, findChange} from '../experiment/figures/variations.ts';
import type {Change} from '../experiment/figures/variations.ts';
import {profileNames, readProfile} from '../experiment/profileFiles.ts';
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
import type {Args, Command} from './command.ts';
import {flag, listOf, needed, repeated, text, textOf} from './command.ts';
import {InterruptedError} from './exitCode.ts';
import {formatOption, print} from './formats.ts';
import type {Io} from './io.ts';
import {liveOptions, ordinalOf} from './liveOptions.ts';

/** Makes the figures and tables of the papers again, beside what was published. */
export const figures: Command = {
  command: 'figures [names..]',
  describe: 'Make the figures and tables of the papers again, from a device profile or on a GPU',
  positionals: {names: {type: 'string', array: true, describe: 'which; all by default'}},
  options: {
    list: flag('List the figures instead'),
    device: text('Device profile: a name, or a file', {default: 'v100'}),
    live: flag('Measure on the GPU; --device is then its own profile'),
    gpu: liveOptions['gpu'],
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
    ['$0 figures coalescing --vary no-host --output figures', 'one, drawn, and again without the host'],
  ],
  async run(args, io) {
    if (args['list'] === true) {
      print(listTable(), known.map(aboutFigure), args['format'], io);
      return;
    }
    const names = listOf(args, 'names') ?? [];
    const chosen = names.length === 0 ? known : names.map(findFigure);
    const varied = (listOf(args, 'vary') ?? []).map(findChange);
    const profile = readProfile(needed(args, 'device'));
    const detail = {quick: args['quick'] === true};
    const live = args['live'] === true;
    const document = textOf(args, 'update');
    // Before the figures take their time.
    if (document !== undefined) marksIn(document);
    const source = live ? await liveOf(profile, args, io) : await simulatedOf(profile, io);
    const made = await makeAll(chosen, source, detail, io);
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
    const folder = textOf(args, 'output');
    if (folder !== undefined) writeAll(folder, made, io);
    if (document !== undefined) updateBlock(document, markdownOf(made, variations, about));
    print(table, {...about, figures: made, variations}, args['format'], io);
  },
};

async function simulatedOf(profile: DeviceProfile, {interrupt}: Io, change?: Change): Promise<Source> {
  const {simulatedSource} = await import('../experiment/figures/simulatedSource.ts');
  const shouldStop = (): boolean => interrupt.aborted;
  return simulatedSource(profile, change === undefined ? {shouldStop} : {shouldStop, change});
}

async function liveOf(profile: DeviceProfile, args: Args, io: Io): Promise<Source> {
  const {liveSource} = await import('../experiment/figures/liveSource.ts');
  return liveSource(profile, {
    ordinal: ordinalOf(args),
    profileName: needed(args, 'device'),
    shouldStop: () => io.interrupt.aborted,
    warn: (sentence) => io.stderr.write(`superkernel: warning: ${sentence}\n`),
  });
}

async function makeAll(
  chosen: readonly FigureDefinition[],
  source: Source,
  detail: {readonly quick: boolean},
  io: Io,
): Promise<Figure[]> {
  const made: Figure[] = [];
  for (const definition of chosen) {
    if (io.stderr.isTTY) io.stderr.write(`\r\x1b[2K${source.label}: ${definition.name}`);
    made.push(await makeFigure(definition, source, detail));
    if (io.interrupt.aborted)
      throw new InterruptedError(String(io.interrupt.reason), `interrupted while making ${definition.name}`);
  }
  if (io.stderr.isTTY) io.stderr.write('\r\x1b[2K');
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
  mkdirSync(folder, {recursive: true});
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
