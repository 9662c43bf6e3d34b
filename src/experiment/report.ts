import {htmlReport} from '../report/html.ts';
import type {CellResult} from '../metrics/result.ts';
import {formatDuration} from '../report/format.ts';
import {shapeClusters} from './clusters.ts';
import type {ModelUse} from './clusters.ts';
import {loadModels} from './ownModels.ts';
import {encodeScenario} from './encode.ts';
import type {Experiment} from './experiment.ts';
import type {Manifest} from './manifest.ts';
import type {Summary} from './summary.ts';
import {stringify} from 'yaml';

/** The models as a scenario's tenants run them, each once. */
export async function modelUses(experiment: Experiment): Promise<ModelUse[]> {
  const found = await loadModels(experiment);
  const uses = new Map(
    experiment.scenario.tenants.map(({model, batch, dtype}) => [
      `${model}/${batch}/${dtype}`,
      {model: found.get(model)!, batch, dtype},
    ]),
  );
  return [...uses.values()];
}

/** The report of a result as one HTML file. */
export async function reportOf(
  experiment: Experiment,
  summary: Summary,
  manifest: Manifest,
): Promise<string> {
  const {scenario} = experiment;
  const {replications, seed, tenants, duration_ns, warmup_ns} = summary;
  return htmlReport({
    title: scenario.name,
    ...(scenario.description === undefined ? {} : {description: scenario.description}),
    facts: [
      ['device', `${summary.device} (${summary.world})`],
      ['tenants', String(tenants)],
      ['measured', formatDuration(duration_ns - warmup_ns)],
      ...(warmup_ns === 0 ? [] : [['warm-up', formatDuration(warmup_ns)] as const]),
      ['replications', String(replications)],
      ['seed', String(seed)],
      ['result', summary.hash],
    ],
    results: summary.cells.map(labelled),
    scenario: stringify(encodeScenario(scenario)),
    manifest,
    shapes: shapeClusters(await modelUses(experiment), scenario.padding).points,
  });
}

/** Where settings vary, they are part of what a row is called. */
function labelled({parameters, ...cell}: Summary['cells'][number]): CellResult {
  const settings = Object.entries(parameters).map(([key, value]) => `${key}=${String(value)}`);
  return settings.length === 0 ? cell : {...cell, policy: `${cell.policy} ${settings.join(' ')}`};
}
