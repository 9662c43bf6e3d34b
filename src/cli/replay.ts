import {makeExperiment, pathFrom, readExperiment} from '../experiment/experiment.ts';
import type {Changes, Experiment} from '../experiment/experiment.ts';
import {encodeScenario} from '../experiment/encode.ts';
import {readTrace} from '../experiment/readTrace.ts';
import {scenarioOf, tenantNames} from '../experiment/replay.ts';
import type {TraceSource} from '../experiment/replay.ts';
import type {Trace, TraceOptions} from '../workload/traces/trace.ts';
import {formatDuration} from '../workload/units.ts';
import {InputError} from '../scheduler/errors.ts';
import {models} from '../workload/models/zoo.ts';
import type {Args, Command} from './command.ts';
import {listOf, needed, repeated, text, textOf} from './command.ts';
import {UsageError} from './exitCode.ts';
import {
  changeOptions,
  changesOf,
  outputOf,
  outputOptions,
  suggestions,
  wholeNumber,
} from './scenarioOptions.ts';
import {traceOptions, traceOptionsOf} from './traceOptions.ts';

const usualSlo = '100ms';

const {load: _load, ...changeOptionsHere} = changeOptions;

/** Runs the arrivals of a trace file under policies. */
export const replay: Command = {
  positionals: {trace: {type: 'string', describe: 'trace file, plain or gzipped'}},
  options: {
    scenario: text(
      'Scenario whose tenants get the arrivals; without one, every client of the trace is a tenant',
    ),
    tenants: text('How many tenants the clients of the trace are dealt to'),
    model: repeated('Models of these tenants, dealt out in turn: a,b,c, or client=model; repeatable'),
    slo: text('SLO of these tenants', {defaultDescription: usualSlo}),
    deal: text('How clients become tenants', {
      choices: ['name', 'round-robin', 'popularity'],
      defaultDescription: 'by name where all match, else in turn',
    }),
    ...traceOptions,
    ...changeOptionsHere,
    ...outputOptions,
  },
  suggestions: {...suggestions, model: () => [...models.keys()]},
  examples: [
    [
      '$0 replay azure.csv --tenants 8 --model resnet-50,bert-base-128 --policy ooo --policy batcher',
      'a mix',
    ],
    ['$0 replay log.csv --map time=at,tenant=client,unit=ms --from 10min --to 20min', 'a log of your own'],
  ],
  async run(args, io) {
    const {execute} = await import('./execute.ts');
    const experiment = await experimentOf(needed(args, 'trace'), args);
    await execute(experiment, {name: 'replay', ...outputOf(args), again: true}, io);
  },
};

async function experimentOf(file: string, args: Args): Promise<Experiment> {
  const options = traceOptionsOf(args);
  const trace = await readTrace(file, options);
  const changes = changesOf(args);
  const scenarioFile = textOf(args, 'scenario');
  if (scenarioFile !== undefined) refuseTenantOptions(args);
  const base =
    scenarioFile === undefined ? ownTenants(trace, args, changes) : readExperiment(scenarioFile, changes);
  const {scenario, directory} = base;
  // The trace's length is how long the run is, unless it was said.
  const text = JSON.stringify({...encodeScenario(scenario), duration: lengthOf(trace, args)});
  const {loads: _loads, ...timed} = makeExperiment(text, file, directory).scenario;
  return {...base, scenario: timed, trace: sourceOf(trace, options, args, base, pathFrom(file, directory))};
}

/** The tenants are a scenario's or those that options describe. */
function refuseTenantOptions(args: Args): void {
  for (const name of ['tenants', 'model', 'slo']) {
    if (args[name] !== undefined) {
      throw new UsageError(
        `give --scenario or --${name}, not both: the scenario says which tenants there are`,
      );
    }
  }
}

function lengthOf({lengthNs}: Trace, args: Args): string {
  return textOf(args, 'duration') ?? formatDuration(lengthNs);
}

function sourceOf(
  trace: Trace,
  options: Omit<TraceOptions, 'seed'>,
  args: Args,
  {scenario}: Experiment,
  file: string,
): TraceSource {
  const names = new Set(tenantNames(scenario));
  const byName = args['tenants'] === undefined && trace.keys.every((key) => names.has(key));
  const rule = (textOf(args, 'deal') as TraceSource['rule'] | undefined) ?? (byName ? 'name' : 'round-robin');
  return {file, rule, options};
}

/** The experiment of tenants that the options describe. */
function ownTenants(trace: Trace, args: Args, changes: Changes): Experiment {
  const tenants = textOf(args, 'tenants');
  const named = (listOf(args, 'model') ?? []).flatMap((each) => each.split(','));
  const modelOf = new Map<string, string>();
  const inTurn: string[] = [];
  for (const each of named) {
    const at = each.lastIndexOf('=');
    if (at === each.length - 1) {
      throw new UsageError(`invalid model: "${each}" (expected the name of a model, or client=model)`);
    }
    if (at < 0) inTurn.push(each);
    else modelOf.set(each.slice(0, at), each.slice(at + 1));
  }
  checkClients(trace, modelOf, tenants);
  // A trace may name models that we know.
  trace.keys.forEach((key, i) => {
    if (models.has(trace.models[i]) && !modelOf.has(key)) modelOf.set(key, trace.models[i]);
  });
  if (inTurn.length === 0 && (tenants !== undefined || trace.keys.some((key) => !modelOf.has(key)))) {
    throw new UsageError('missing models: say which with --model, as in --model resnet-50,bert-base-128');
  }
  const count = tenants === undefined ? null : wholeNumber(tenants, 'tenants');
  const scenario = scenarioOf(trace, {models: inTurn, modelOf, slo: textOf(args, 'slo') ?? usualSlo, count});
  return makeExperiment(JSON.stringify(scenario), trace.name, process.cwd(), changes);
}

/** Throws where models are named for clients that the trace lacks, or that share tenants. */
function checkClients(
  {name, keys, closedLoops}: Trace,
  modelOf: ReadonlyMap<string, string>,
  tenants: string | undefined,
): void {
  for (const client of modelOf.keys()) {
    if (closedLoops.some((loop) => loop.name === client)) continue;
    if (!keys.includes(client)) throw new InputError(`unknown client in trace ${name}: "${client}"`);
    if (tenants !== undefined) {
      throw new UsageError(
        `give --tenants or --model ${client}=${modelOf.get(client)}, not both: clients that are dealt to tenants have no models of their own`,
      );
    }
  }
}
