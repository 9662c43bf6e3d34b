import type {PolicyContext} from '../policies/definition.ts';
import type {Policy} from '../scheduler/policy.ts';
import {findAnyPolicy} from './userPolicy.ts';

/** Makes the policy that a scenario or a flag names. Relative modules start from `directory`. */
export async function makePolicy(
  text: string,
  {directory, ...context}: PolicyContext & {readonly directory: string},
): Promise<Policy> {
  const {definition, parameters} = await findAnyPolicy(text, directory);
  return definition.create(parameters, context);
}
