// Arrival processes as a scenario writes them: what each is called and which parameters it takes.
import {z} from 'zod';
import {durationField, positiveDurationField, positiveRateField, rateField, show} from '../units.ts';

const between = (noun: string, low: number, high: number) =>
  z
    .number({
      error: ({input}) =>
        `${input === undefined ? `missing ${noun}` : `invalid ${noun}: ${show(input)}`} (expected ${low} to ${high})`,
    })
    .refine((x) => x >= low && x <= high, {
      error: (issue) => `invalid ${noun}: ${String(issue.input)} (expected ${low} to ${high})`,
    });

/**
 * Coefficient of variation: standard deviation over mean. Below the range gaps are as good as constant; above it a run
 * of any length sees hardly more than one burst (the burstiest window of ServeGen's 422 tenants has 45).
 */
const cv = between('cv', 0.01, 100);

const wholeAboveZero = {
  error: (issue: z.core.$ZodRawIssue) =>
    `invalid outstanding: ${String(issue.input)} (expected a whole number above 0)`,
};
const outstanding = z.int(wholeAboveZero).min(1, wholeAboveZero);

/** Mean time that a modulated process stays in a state, exponentially distributed. */
const sojourn = positiveDurationField;

/** Evenly spaced requests; the first after `phase`, which is drawn from [0, 1/rate) unless given. */
const constant = z.strictObject({
  process: z.literal('constant'),
  rate: positiveRateField,
  phase: durationField.optional(),
});

/** Exponential gaps: requests of many independent users. */
const poisson = z.strictObject({process: z.literal('poisson'), rate: positiveRateField});

/** Gamma distributed gaps of coefficient of variation `cv`: below 1 steadier than poisson, above 1 bursty. */
const gamma = z.strictObject({process: z.literal('gamma'), rate: positiveRateField, cv});

/** Weibull distributed gaps, given by their coefficient of variation or by the Weibull shape; exactly one of the two. */
const weibull = z
  .strictObject({
    process: z.literal('weibull'),
    rate: positiveRateField,
    cv: cv.optional(),
    shape: between('shape', 0.12, 100).optional(),
  })
  .refine(({cv, shape}) => (cv === undefined) !== (shape === undefined), {
    error: 'weibull arrivals take either cv or shape',
  });

/** Poisson bursts at `onRate` that last `on` on average, between pauses of `off` on average at `offRate`. */
const onOff = z.strictObject({
  process: z.literal('on-off'),
  onRate: positiveRateField,
  offRate: rateField.default(0),
  on: sojourn,
  off: sojourn,
});

/**
 * Markov-modulated Poisson process: Poisson at the state's rate; after an exponential sojourn of the state's mean it
 * moves to one of the other states, each equally likely.
 */
const mmpp = z.strictObject({
  process: z.literal('mmpp'),
  states: z
    .array(z.strictObject({rate: rateField, sojourn}))
    .min(2, {error: 'missing states: mmpp arrivals need at least 2'})
    .refine((states) => states.some(({rate}) => rate > 0), {
      error: 'invalid states: every rate is 0 (expected one above 0)',
    }),
});

const stationary = [constant, poisson, gamma, weibull, onOff, mmpp] as const;

/**
 * Another process whose rate rises and falls by the day, or by any `period`. Either a sine wave,
 * rate x (1 + amplitude cos(2 pi (t - peakAt) / period)), which peaks in the middle of the period unless told; or
 * `profile`, the relative rates of equal parts of the period, scaled to a mean of 1. The mean over whole periods stays
 * the base's.
 */
const diurnal = z
  .strictObject({
    process: z.literal('diurnal'),
    base: z.discriminatedUnion('process', stationary, {error: unknownOption('process')}),
    period: positiveDurationField.default(8.64e13),
    amplitude: between('amplitude', 0, 1).optional(),
    peakAt: durationField.optional(),
    profile: z.array(z.number().min(0)).min(1).optional(),
  })
  .refine(({amplitude, profile}) => (amplitude === undefined) !== (profile === undefined), {
    error: 'diurnal arrivals take either amplitude or profile',
  })
  .refine(({peakAt, profile}) => peakAt === undefined || profile === undefined, {
    error: 'diurnal arrivals take peakAt with amplitude, not with profile',
  })
  .refine(({profile}) => profile === undefined || profile.some((level) => level > 0), {
    error: 'invalid profile: every rate is 0 (expected one above 0)',
  });

/** Requests at given times; with `repeat` they start over every so often, which must be after the last of them. */
const trace = z
  .strictObject({
    process: z.literal('trace'),
    at: z.array(durationField).min(1, {error: 'missing times: trace arrivals need at least 1'}),
    repeat: positiveDurationField.optional(),
  })
  .refine(({at}) => at.every((time, i) => i === 0 || at[i - 1] <= time), {
    error: 'invalid times: expected them in order',
  })
  .refine(({at, repeat}) => repeat === undefined || at[at.length - 1] < repeat, {
    error: 'invalid repeat: expected one after the last time',
  });

/** Time a client thinks between an answer and its next request: always the same, or drawn around a mean. */
const think = z.union(
  [
    durationField,
    z.discriminatedUnion(
      'distribution',
      [
        z.strictObject({
          distribution: z.enum(['constant', 'exponential', 'uniform']),
          mean: positiveDurationField,
        }),
        z.strictObject({distribution: z.enum(['gamma', 'lognormal']), mean: positiveDurationField, cv}),
      ],
      {error: unknownOption('distribution')},
    ),
  ],
  {error: ({input, errors}) => (typeof input === 'object' ? errors[1] : errors[0])?.[0]?.message},
);

/** `outstanding` clients, each of which waits for its answer, thinks, and sends its next request. */
const closedLoop = z.strictObject({
  process: z.literal('closed-loop'),
  outstanding,
  think,
});

/** A closed loop without thinking: `outstanding` requests are always in the system. The papers' setting. */
const saturated = z.strictObject({process: z.literal('saturated'), outstanding: outstanding.default(1)});

/** How a tenant's requests arrive: the schema of a scenario's `arrivals`. */
export const arrivalSchema = z.discriminatedUnion(
  'process',
  [...stationary, diurnal, trace, closedLoop, saturated],
  {error: unknownOption('process')},
);

/** The error of a discriminated union: names the choices where none, or an unknown one, was made. */
function unknownOption(key: string): (issue: z.core.$ZodRawIssue) => string | undefined {
  return ({code, input, options}) => {
    if (code !== 'invalid_union') return undefined;
    const known = `(known: ${Array.isArray(options) ? options.join(', ') : 'none'})`;
    const chosen = new Map<string, unknown>(Object.entries(input ?? {})).get(key);
    return chosen === undefined
      ? `missing ${key} ${known}`
      : `unknown ${key}: ${JSON.stringify(chosen)} ${known}`;
  };
}

/** An arrival process with its durations in nanoseconds and its rates in requests per second. */
export type ArrivalSpec = z.output<typeof arrivalSchema>;

/** An arrival process as it is written in a scenario. */
export type ArrivalInput = z.input<typeof arrivalSchema>;

/** The spec of one process, e.g. `SpecOf<'gamma'>`. */
export type SpecOf<P extends ArrivalSpec['process']> = Extract<ArrivalSpec, {process: P}>;

/** Arrivals that do not wait for answers, and so can be drawn before the run. */
export type OpenSpec = Exclude<ArrivalSpec, ClosedSpec>;

/** Arrivals that answers set off. */
export type ClosedSpec = SpecOf<'closed-loop' | 'saturated'>;

/** Open arrivals whose rate does not depend on the time, which `diurnal` may modulate. */
export type StationarySpec = Exclude<OpenSpec, SpecOf<'diurnal' | 'trace'>>;

/** Whether the arrivals are set off by answers; `closedLoop` then makes them, and nothing can be drawn ahead. */
export const isClosed = (spec: ArrivalSpec): spec is ClosedSpec =>
  spec.process === 'closed-loop' || spec.process === 'saturated';
