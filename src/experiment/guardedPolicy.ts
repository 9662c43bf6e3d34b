import {z} from 'zod';
import {PolicyError, SuperkernelError} from '../scheduler/errors.ts';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import {formatDuration} from '../workload/units.ts';

/** What a policy may ask of the device; checked for policies that are not ours. */
const setupSchema = z
  .strictObject({
    sharing: z.enum(['one-context', 'mps', 'time-slice', 'dedicated']),
    lanes: z.union([z.int().min(1), z.literal('per-tenant')]),
    depth: z.int().min(1),
    host: z.enum(['shared', 'per-lane']),
    admission: z.enum(['immediate', 'batched']),
    grouping: z.enum(['class', 'cluster']),
    runsAhead: z.boolean(),
  } satisfies Record<keyof PolicySetup, z.ZodType>)
  .partial();

/**
 * Makes a policy from a module at `path` such that whatever it throws becomes a PolicyError that tells the policy, the
 * hook, the decision, the time and the line.
 */
export function guarded(create: () => Policy, name: string, path: string): Policy {
  let decisions = 0;
  const attempt = <T>(where: string, situation: Situation | null, action: () => T): T => {
    try {
      return action();
    } catch (error) {
      // Rules that the scheduler found broken are told by it, with the decision.
      if (error instanceof SuperkernelError) throw error;
      const when =
        situation === null ? '' : ` at decision ${decisions}, ${formatDuration(Math.round(situation.now))}`;
      throw new PolicyError(`policy ${name} threw in ${where}${when}: ${describe(error, path)}`, {
        cause: error,
      });
    }
  };
  const policy = attempt('create', null, create);
  if (typeof policy?.decide !== 'function') {
    throw new PolicyError(`policy ${name} made no policy: create returned no object with "decide" (${path})`);
  }
  const setup = setupSchema.safeParse(policy.setup ?? {});
  if (!setup.success) {
    const {path: key, message} = setup.error.issues[0];
    throw new PolicyError(
      `policy ${name} has an invalid setup: ${key.join('.') || 'setup'}: ${message} (${path})`,
    );
  }
  return {
    name,
    ...(policy.setup === undefined ? {} : {setup: policy.setup}),
    attach: (situation) => attempt('attach', situation, () => policy.attach?.(situation)),
    ...(policy.onReady === undefined
      ? {}
      : {
          onReady: (slot, situation) => attempt('onReady', situation, () => policy.onReady!(slot, situation)),
        }),
    ...(policy.onFinished === undefined
      ? {}
      : {
          onFinished: (launch, situation) =>
            attempt('onFinished', situation, () => policy.onFinished!(launch, situation)),
        }),
    decide: (situation) => {
      decisions++;
      attempt('decide', situation, () => policy.decide(situation));
    },
  };
}

/** The message, and the line of the module where it came from. */
function describe(error: unknown, path: string): string {
  if (!(error instanceof Error)) return String(error);
  const file = path.split(/[/\\]/).at(-1)!;
  const line = error.stack?.split('\n').find((each) => each.includes(`${file}:`));
  const place = line === undefined ? undefined : /:(\d+:\d+)\)?$/.exec(line)?.[1];
  return place === undefined ? `${error.message} (${path})` : `${error.message} (${path}:${place})`;
}
