import type {PolicyContext} from '../policies/definition.ts';
import {parsePolicy} from '../policies/parse.ts';
import type {Policy} from '../scheduler/policy.ts';

/** Makes the policy that a scenario or a flag names. Relative modules start from `directory`. */
export async function makePolicy(
  text: string,
  {directory, ...context}: PolicyContext & {readonly directory: string},
): Promise<Policy> {
  void directory;
  const {definition, parameters} = parsePolicy(text);
  return definition.create(parameters, context);
}
