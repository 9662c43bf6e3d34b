// How people write a policy in a flag or a scenario: `name`, `name:key=value,key=[1,2]`, `outer(inner:key=value):key=value`.
import {InputError} from '../scheduler/errors.ts';
import type {PolicyDefinition} from './definition.ts';

/** A policy by name, with parameters that its schema has checked and completed. */
export interface ParsedPolicy {
  readonly definition: PolicyDefinition;
  readonly parameters: Record<string, unknown>;
}

const shape = /^([\w-]+)(?:\((.*)\))?(?::(.*))?$/s;

/**
 * Reads a policy and its parameters, e.g. `ooo:lanes=4,max-size=64` or `evict(slo)`, where the policy in parentheses is
 * the parameter `policy` of the one around it. `more` holds parameters given apart from the text. Throws an InputError
 * that names the text or the parameter at fault.
 */
export function resolvePolicy(
  text: string,
  find: (name: string) => PolicyDefinition,
  more: Readonly<Record<string, unknown>> = {},
): ParsedPolicy {
  const match = shape.exec(text.trim());
  if (match === null) {
    throw new InputError(
      `invalid policy: "${text}" (expected a name, as in "greedy", "ooo:lanes=4" or "evict(slo)")`,
    );
  }
  const [, name, inner, settings] = match;
  const definition = find(name);
  const values: Record<string, unknown> = {...more};
  if (inner !== undefined) {
    if (!('policy' in definition.parameters.shape)) {
      throw new InputError(`invalid policy: "${text}" (${name} is not a policy around another)`);
    }
    values['policy'] = inner;
  }
  for (const setting of settings === undefined ? [] : splitOutside(settings)) {
    const at = setting.indexOf('=');
    if (at < 1) throw new InputError(`invalid parameter of ${name}: "${setting}" (expected key=value)`);
    const key = setting.slice(0, at).trim();
    if (key in values) throw new InputError(`invalid parameter of ${name}: ${key} is given twice`);
    values[key] = readValue(setting.slice(at + 1).trim());
  }
  return {definition, parameters: readParameters(definition, values)};
}

/** Checks parameters by the policy's schema and fills in the defaults. Throws an InputError on the first that is wrong. */
export function readParameters(
  definition: PolicyDefinition,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const parsed = definition.parameters.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(definition.parameters.shape);
    throw new InputError(
      `unknown parameter of ${definition.name}: ${issue.keys[0]} (known: ${known.join(', ') || 'none'})`,
    );
  }
  const key = String(issue.path[0]);
  // Zod writes "Invalid input: expected number, received string"; what follows the colon is what we want to say.
  const expected = issue.message.replace(/^(Invalid|Too)[^:]*: /, '');
  if (!(key in values)) throw new InputError(`missing ${key} of ${definition.name} (${expected})`);
  throw new InputError(`invalid ${key} of ${definition.name}: ${JSON.stringify(values[key])} (${expected})`);
}

/** Splits at the commas that are in no brackets. */
function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function readValue(text: string): unknown {
  if (text.startsWith('[') && text.endsWith(']')) {
    const inside = text.slice(1, -1).trim();
    return inside === '' ? [] : inside.split(',').map((item) => readValue(item.trim()));
  }
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}
