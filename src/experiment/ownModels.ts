import {existsSync, readFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {InputError} from '../scheduler/errors.ts';
import type {Model} from '../workload/models/layer.ts';
import {csvModel} from '../workload/models/csvModel.ts';
import {findModel} from '../workload/models/zoo.ts';
import type {RunSpec} from './simulate.ts';

/** Every model that the tenants of a run name: as it brings them, or the scenario's own files first, then the known ones. */
export async function loadModels({
  scenario,
  directory,
  models,
}: Pick<RunSpec, 'scenario' | 'directory' | 'models'>): Promise<ReadonlyMap<string, Model>> {
  if (models !== undefined) return models;
  const found = new Map<string, Model>();
  for (const {name, model} of scenario.tenants) {
    if (found.has(model)) continue;
    const file = scenario.models[model];
    found.set(model, file === undefined ? known(model, name) : await readModel(file, directory));
  }
  return found;
}

function known(model: string, tenant: string): Model {
  try {
    return findModel(model);
  } catch (error) {
    throw new InputError(`tenant ${tenant}: ${(error as Error).message}`, {cause: error});
  }
}

async function readModel(file: string, directory: string): Promise<Model> {
  const path = resolve(directory, file);
  if (!existsSync(path)) throw new InputError(`missing model file: ${file}`);
  const text = readFileSync(path, 'utf8');
  if (/\.csv$/i.test(file)) return csvModel(text, file);
  // Every thread and process that makes runs loads this file, and few have models in YAML.
  const {yamlModel} = await import('../workload/models/yamlModel.ts');
  return yamlModel(text, file);
}
