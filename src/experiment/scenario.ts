// The description of an experiment as a person writes it, and its validation.
import {LineCounter, isMap, isNode, isScalar, isSeq, parseDocument} from 'yaml';
import type {Document} from 'yaml';
import {z} from 'zod';
import {InputError} from '../scheduler/errors.ts';
import {arrivalSchema} from '../workload/arrivals/schema.ts';
import {pathText} from '../workload/models/issue.ts';
import {suggest, unknownName} from '../workload/suggest.ts';
import {durationField, positiveDurationField} from '../workload/units.ts';
import {yamlProblem} from '../workload/yamlProblem.ts';
import {kindOf, problemOf} from './schemaProblem.ts';

const fraction = z.number().min(0).max(1);

const sloSchema = z.union(
  [
    positiveDurationField.transform((latency) => ({latency, quantile: 0.99})),
    z.strictObject({latency: positiveDurationField, quantile: z.number().gt(0).lt(1).default(0.99)}),
  ],
  // A mapping is judged as a mapping, everything else as a duration.
  {error: ({input, errors}) => (typeof input === 'object' ? errors[1] : errors[0])?.[0]?.message},
);

const tenantSchema = z.strictObject({
  name: z.string().min(1).describe('unique; replicas are named name/0, name/1, ...'),
  model: z.string().min(1).describe('a known model (see "superkernel models") or one of the scenario’s own'),
  replicas: z
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('tenants with these settings, each with its own weights'),
  slo: sloSchema.describe('latency, or {latency, quantile}'),
  priority: z.int().default(0).describe('higher first, where a policy knows priorities'),
  weight: z.number().gt(0).default(1).describe('share of the device, relative'),
  batch: z.int().min(1).max(4096).default(1).describe('inputs (images, sequences) in one request'),
  dtype: z
    .enum(['fp32', 'tf32', 'fp16', 'bf16'], {
      error: ({input}) => `unknown data type: ${JSON.stringify(input)} (known: fp32, tf32, fp16, bf16)`,
    })
    .default('fp32'),
  arrivals: arrivalSchema.default({process: 'poisson', rate: 1}).describe('of each replica'),
});

const policySchema = z
  .string()
  .min(1)
  .describe('name[:parameter=value,...], a wrapper(policy), or a module ./mine.ts');

/** The scenario file. Unknown keys are errors. */
export const scenarioSchema = z
  .strictObject({
    name: z.string().default('scenario'),
    description: z.string().optional(),
    device: z.string().default('v100').describe('device profile: a name under calibration/, or a file'),
    duration: positiveDurationField.default(1e9).describe('simulated time in which requests arrive'),
    warmup: durationField.default(0).describe('cut from the start of every measurement'),
    drain: durationField
      .optional()
      .describe('time after the duration to finish what has arrived; default: twice the largest SLO'),
    seed: z.union([z.int(), z.string().min(1)], {error: 'expected a whole number or a text'}).default(1),
    replications: z
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .describe('runs of every cell, with independent seeds'),
    loads: z
      .array(z.number().gt(0))
      .min(1)
      .optional()
      .describe('offered load; 1 keeps the device busy serving requests one by one, alone'),
    policies: z.array(policySchema).min(1).default(['ooo']),
    tenants: z.array(tenantSchema).min(1, {error: 'missing tenants: expected at least one'}),
    models: z
      .record(z.string(), z.string())
      .default({})
      .describe('own models: name to a YAML or CSV file, relative to the scenario'),
    elementwise: z
      .boolean()
      .default(true)
      .describe('whether memory-bound layers run; the papers leave them out'),
    'max-size': z.int().min(1).max(1024).default(128).describe('most kernels in one superkernel'),
    padding: fraction
      .default(0.2)
      .describe('most extra floating-point operations of a kernel padded within its cluster'),
    noise: z
      .boolean()
      .default(false)
      .describe('draw durations around the prediction, as measured by the profile'),
    'own-host': z.boolean().default(true).describe('model the host’s submit, detect and decide times'),
    graphs: z
      .boolean()
      .default(true)
      .describe('live: record launches as CUDA graphs and launch those, where the driver can'),
    contention: z.boolean().default(true).describe('lanes slow each other down beyond sharing SMs'),
    memory: z.boolean().default(true).describe('refuse what does not fit the device'),
    stragglers: z
      .array(
        z.strictObject({
          tenant: z.string(),
          factor: z.number().gte(1),
          from: durationField.default(0),
          to: durationField.default(Number.MAX_SAFE_INTEGER),
        }),
      )
      .default([])
      .describe('tenants whose kernels take longer for a while'),
    'price-per-hour': z
      .number()
      .min(0)
      .optional()
      .describe('of one device, in any currency; default: the profile’s'),
  })
  .superRefine((scenario, context) => {
    const names = new Set<string>();
    scenario.tenants.forEach((tenant, i) => {
      if (names.has(tenant.name)) {
        context.addIssue({
          code: 'custom',
          path: ['tenants', i, 'name'],
          message: `tenant "${tenant.name}" is named twice`,
        });
      }
      names.add(tenant.name);
    });
    if (scenario.warmup >= scenario.duration) {
      context.addIssue({
        code: 'custom',
        path: ['warmup'],
        message: 'the warm-up is as long as the whole run',
      });
    }
    scenario.stragglers.forEach(({tenant}, i) => {
      if (!names.has(tenant)) {
        context.addIssue({
          code: 'custom',
          path: ['stragglers', i, 'tenant'],
          message: unknownName('tenant', tenant, names),
        });
      }
    });
  });

/** A validated scenario: durations in ns, rates per second, every default filled in. */
export type Scenario = z.output<typeof scenarioSchema>;

/** Settings that override the file's: dotted key and value, e.g. `tenants.0.slo` and `20ms`; YAML reads the value. */
export type Override = readonly [key: string, value: unknown];

/** Reads a scenario. Throws an InputError with `file:line:col`, the key, and what was expected. */
export function parseScenario(text: string, fileName: string, overrides: readonly Override[] = []): Scenario {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {lineCounter, uniqueKeys: true});
  const problem = document.errors[0];
  if (problem !== undefined) {
    const {line, col} = lineCounter.linePos(problem.pos[0]);
    throw new InputError(`${fileName}:${line}:${col}: ${yamlProblem(problem)}`);
  }
  if (!isMap(document.contents))
    throw new InputError(`${fileName}: expected a mapping with tenants, got ${kindOf(document.toJS())}`);
  for (const [key, value] of overrides) {
    checkIndices(document, key);
    document.setIn(pathOf(key), value);
  }
  const result = scenarioSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  throw new InputError(describeIssue(document, lineCounter, result.error.issues[0], fileName));
}

const pathOf = (key: string): (string | number)[] =>
  key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));

/** Refuses a key that leads past the end of a list: one more item may be set as a whole, and nothing in it. */
function checkIndices(document: Document, key: string): void {
  const path = pathOf(key);
  path.forEach((part, depth) => {
    const list = document.getIn(path.slice(0, depth));
    if (typeof part !== 'number' || !isSeq(list)) return;
    const count = list.items.length;
    if (part < count || (part === count && depth === path.length - 1)) return;
    const name = path.slice(0, depth).join('.');
    throw new InputError(
      `cannot set ${key}: ${name} has ${count} ${count === 1 ? 'item' : 'items'}, counted from ${name}.0`,
    );
  });
}

function describeIssue(
  document: Document,
  lines: LineCounter,
  issue: z.core.$ZodIssue,
  fileName: string,
): string {
  const path = issue.path as (string | number)[];
  const where = pathText(path);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0];
    const map = path.length ? document.getIn(path, true) : document.contents;
    const pair = isMap(map)
      ? map.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    const known = knownKeys(path);
    const meant = suggest(key, known);
    const hint =
      meant === undefined
        ? known.length
          ? ` (known: ${known.join(', ')})`
          : ''
        : `; did you mean "${meant}"?`;
    return `${at(isNode(pair?.key) ? pair.key : map, lines, fileName)}${where ? `${where}: ` : ''}unknown key "${key}"${hint}`;
  }
  let node: unknown;
  for (let depth = path.length; depth >= 0 && node === undefined; depth--) {
    node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
  }
  return `${at(node, lines, fileName)}${where ? `${where}: ` : ''}${problemOf(issue)}`;
}

function at(node: unknown, lines: LineCounter, fileName: string): string {
  const offset = isNode(node) ? node.range?.[0] : undefined;
  if (offset === undefined) return `${fileName}: `;
  const {line, col} = lines.linePos(offset);
  return `${fileName}:${line}:${col}: `;
}

/** The keys that the schema knows at a path, for suggestions. */
function knownKeys(path: readonly (string | number)[]): string[] {
  if (path.length === 0) return Object.keys(scenarioSchema.shape);
  if (path[0] === 'tenants' && path.length === 2) return Object.keys(tenantSchema.shape);
  return [];
}
