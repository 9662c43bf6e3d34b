// Policies of the user's own: modules named where a policy is named, e.g. `./mine.ts:lanes=4` or `evict(./mine.ts)`.
import {existsSync} from 'node:fs';
import {register} from 'node:module';
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {definePolicy} from '../policies/definition.ts';
import type {PolicyDefinition} from '../policies/definition.ts';
import {evicting} from '../policies/evict.ts';
import type {ParsedPolicy} from '../policies/syntax.ts';
import {resolvePolicy} from '../policies/syntax.ts';
import {policies} from '../policies/table.ts';
import {InputError} from '../scheduler/errors.ts';
import {unknownName} from '../workload/suggest.ts';
import {guarded} from './guardedPolicy.ts';

/** A module's path inside a policy's text: up to what can follow a policy's name. */
const modulePath = /[^:(),=\s]+\.m?[jt]s(?=$|[\s:),])/g;

/** A path where a policy's name is expected. */
const anyPath = /(?:^|\()\s*([^:(),=\s]*[./\\][^:(),=\s]*)/;

/** The modules that a policy's text names, as written. */
export function modulesOf(text: string): string[] {
  return [...text.matchAll(modulePath)].map(([path]) => path);
}

/**
 * Reads a policy's text: names of the table, and modules of the user's own, relative to `directory`. Throws an
 * InputError where a name is unknown, or a module is missing, cannot be loaded or exports no policy.
 */
export async function findAnyPolicy(text: string, directory: string): Promise<ParsedPolicy> {
  const own = new Map<string, PolicyDefinition>();
  let renamed = text;
  for (const path of modulesOf(text)) {
    const definition = await importPolicy(path, directory);
    own.set(definition.name, definition);
    renamed = renamed.replace(path, definition.name);
  }
  const noModule = anyPath.exec(renamed)?.[1];
  if (noModule !== undefined) {
    throw new InputError(
      `invalid policy: "${noModule}" (expected a name, or a module that ends in .ts, .mts, .js or .mjs)`,
    );
  }
  const find = (name: string): PolicyDefinition => {
    // What evict wraps may be a module, too, which the table's evict knows nothing of.
    const definition = own.get(name) ?? (name === 'evict' ? evicting(find) : policies.get(name));
    if (definition === undefined) throw new InputError(unknownName('policy', name, policies.keys()));
    return definition;
  };
  return resolvePolicy(renamed, find);
}

let hooked = false;

/** Imports a policy module, relative to `directory`. Node caches it: an edited module needs a new process. */
export async function importPolicy(path: string, directory: string): Promise<PolicyDefinition> {
  const file = resolve(directory, path);
  if (!existsSync(file)) throw new InputError(`missing policy module: ${path}`);
  // From source (tests), whoever loads us loads TypeScript already.
  if (!hooked && import.meta.url.endsWith('.js')) {
    register('./typescriptHooks.js', import.meta.url);
    hooked = true;
  }
  let module: {default?: unknown};
  try {
    module = (await import(pathToFileURL(file).href)) as {default?: unknown};
  } catch (error) {
    throw new InputError(`cannot load policy ${path}: ${explain(error)}`, {cause: error});
  }
  return checked(module.default, path);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The first thing that TypeScript's habits get wrong here.
  const typeImport = / does not provide an export named '(\w+)'/.exec(error.message)?.[1];
  const first = error.message.split('\n')[0];
  return typeImport === undefined ? first : `${first} (a type needs "import type {${typeImport}}")`;
}

/** Makes sure that a module's default export is a policy definition, and guards the policies that it makes. */
function checked(value: unknown, path: string): PolicyDefinition {
  const wrong = (problem: string): InputError =>
    new InputError(
      `invalid policy module ${path}: ${problem} (expected "export default definePolicy({...})")`,
    );
  if (value === undefined) throw wrong('no default export');
  if (typeof value !== 'object' || value === null) throw wrong(`its default export is a ${typeof value}`);
  const {name, summary, source, parameters, create} = value as Partial<PolicyDefinition>;
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name)) throw wrong('its name is not a word');
  if (typeof create !== 'function') throw wrong('it has no function "create"');
  if (typeof parameters?.safeParse !== 'function' || typeof parameters.shape !== 'object') {
    throw wrong('its parameters are no z.strictObject');
  }
  return definePolicy({
    name,
    summary: summary ?? '',
    source: source ?? path,
    parameters,
    create: (values, context) => guarded(() => create(values, context), name, path),
  });
}
