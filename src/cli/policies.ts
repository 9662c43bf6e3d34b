import {z} from 'zod';
import type {PolicyDefinition} from '../policies/definition.ts';
import {importPolicy, modulesOf} from '../experiment/userPolicy.ts';
import {policies as known} from '../policies/table.ts';
import {InputError} from '../scheduler/errors.ts';
import type {Table} from '../report/table.ts';
import {unknownName} from '../workload/suggest.ts';
import type {Command} from './command.ts';
import {textOf} from './command.ts';
import {formatOption, print} from './formats.ts';

/** Lists the policies, or the parameters of one. */
export const policies: Command = {
  positionals: {name: {type: 'string', describe: 'a policy, or a module of your own'}},
  options: {format: formatOption},
  suggestions: {name: () => [...known.keys()]},
  examples: [['$0 policies ooo', 'what can be set, as in --policy ooo:lanes=4']],
  async run(args, io) {
    const {format} = args;
    const name = textOf(args, 'name');
    if (name === undefined) {
      const all = [...known.values()].map(({name, summary, source}) => ({name, summary, source}));
      print(listOf(all), all, format, io);
      return;
    }
    const definition = await find(name);
    const parameters = parametersOf(definition);
    const {summary, source} = definition;
    if (format === 'table') io.stdout.write(`${definition.name}: ${summary}\nsource: ${source}\n\n`);
    print(tableOf(parameters), {name: definition.name, summary, source, parameters}, format, io);
  },
};

async function find(name: string): Promise<PolicyDefinition> {
  if (modulesOf(name).length > 0) return importPolicy(name, '.');
  const definition = known.get(name);
  if (definition === undefined) throw new InputError(unknownName('policy', name, known.keys()));
  return definition;
}

function listOf(all: readonly {name: string; summary: string; source: string}[]): Table {
  return {
    columns: [
      {name: 'policy', align: 'left'},
      {name: 'what it does', align: 'left'},
      {name: 'source', align: 'left'},
    ],
    rows: all.map(({name, summary, source}) => ({cells: [name, summary, source]})),
    notes: ['See "superkernel policies <name>" for the parameters of one.'],
  };
}

/** A parameter as a person may set it. */
interface Parameter {
  name: string;
  values: string;
  /** Null where it has to be given. */
  default: unknown;
  description: string;
}

/** The JSON Schema keywords that our parameters use. */
interface Keywords {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Keywords[];
  items?: Keywords;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  default?: unknown;
  description?: string;
}

function parametersOf({parameters}: PolicyDefinition): Parameter[] {
  const {properties = {}} = z.toJSONSchema(parameters, {io: 'input', unrepresentable: 'any'});
  return Object.entries(properties as Record<string, Keywords>).map(([name, keywords]) => ({
    name,
    values: valuesOf(keywords),
    default: keywords.default ?? null,
    description: keywords.description ?? '',
  }));
}

/** The values that a parameter takes, e.g. `1 to 64` or `class | cluster`. */
function valuesOf({type, enum: choices, const: only, anyOf, items, ...range}: Keywords): string {
  if (anyOf !== undefined) return anyOf.map(valuesOf).join(' | ');
  if (choices !== undefined) return choices.join(' | ');
  if (only !== undefined) return JSON.stringify(only);
  if (items !== undefined) return `list of ${valuesOf(items)}`;
  const {minimum, maximum, exclusiveMinimum} = range;
  const least = exclusiveMinimum === undefined ? minimum : exclusiveMinimum;
  if (least === undefined || type === 'string') return type ?? 'any';
  const from = exclusiveMinimum === undefined ? String(least) : `above ${least}`;
  if (maximum === undefined || maximum === Number.MAX_SAFE_INTEGER) {
    return exclusiveMinimum === undefined ? `${from} or more` : from;
  }
  return `${from} to ${maximum}`;
}

function tableOf(parameters: readonly Parameter[]): Table {
  return {
    columns: [
      {name: 'parameter', align: 'left'},
      {name: 'values', align: 'left'},
      {name: 'default', align: 'left'},
      {name: 'meaning', align: 'left'},
    ],
    rows: parameters.map(({name, values, default: preset, description}) => ({
      cells: [name, values, preset === null ? '(needed)' : show(preset), description],
    })),
    notes: parameters.length === 0 ? ['No parameters.'] : [],
  };
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
