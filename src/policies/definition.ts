import type {z} from 'zod';
import type {Policy} from '../scheduler/policy.ts';

/** What a policy is made with besides its parameters. */
export interface PolicyContext {
  /** An independent random stream in [0, 1), the same for every run of a seed. */
  random(name: string): () => number;
  /** Number of tenants after replicas are counted. */
  readonly tenants: number;
}

/** A policy that users can name: its parameters, with defaults and descriptions, and how to make one. */
export interface PolicyDefinition<Parameters extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** The paper or system it comes from. */
  readonly source: string;
  readonly parameters: Parameters;
  create(parameters: z.output<Parameters>, context: PolicyContext): Policy;
}

/** Infers the parameter types of a definition; a user's policy module exports one as its default. */
export function definePolicy<Parameters extends z.ZodObject>(
  definition: PolicyDefinition<Parameters>,
): PolicyDefinition {
  return definition;
}
