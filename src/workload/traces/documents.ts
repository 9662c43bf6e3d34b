// Traces that are one JSON document: DISB's workloads and Orion's inter-arrival times.
import {z} from 'zod';
import {InputError} from '../../scheduler/errors.ts';
import {drawArrivals} from '../arrivals/draw.ts';
import {stream} from '../random.ts';
import type {LineReader, TraceFormat} from './format.ts';

/** Collects the lines of a document and reads it when all are there. */
function documentReader<T>(schema: z.ZodType<T>, read: (document: T) => void): LineReader {
  const lines: string[] = [];
  return {
    line: (text) => void lines.push(text),
    end() {
      let value: unknown;
      try {
        value = JSON.parse(lines.join('\n'));
      } catch (error) {
        throw new InputError(`invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
      }
      const parsed = schema.safeParse(value);
      if (!parsed.success) {
        const [{path, message}] = parsed.error.issues;
        throw new InputError(`invalid document: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
      }
      read(parsed.data);
    },
  };
}

const isDocumentOf = (line: string, field: string): boolean => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && field in value;
  } catch {
    return true; // an object that goes on over further lines
  }
};

const load = z.discriminatedUnion('type', [
  z.object({type: z.literal('continuous')}),
  z.object({type: z.literal('periodic'), frequency: z.number().min(0), priority: z.number().default(0)}),
  z.object({type: z.literal('poisson'), frequency: z.number().min(0)}),
  z.object({type: z.literal('trace'), trace: z.array(z.number().min(0))}),
]);

const workload = z.object({
  time: z.number().positive(),
  tasks: z.array(
    z.object({id: z.string().min(1), load, client: z.object({model_name: z.string().optional()}).optional()}),
  ),
});

/**
 * A workload of DISB (REEF, OSDI 2022): streams of requests per task for `time` seconds. The key is the task's id, and
 * its model is named. `periodic` tasks send `frequency` a second, `poisson` ones on average; `trace` gives milliseconds;
 * `continuous` is a closed loop of one request. DISB delays periodic tasks of one frequency and no priority by the solo
 * latencies of those before them, which a file does not tell; here they are spaced evenly over the period instead.
 * DISB's clients drop launches that they are late for; these are the launches that were intended.
 */
export const disb: TraceFormat = {
  name: 'disb',
  origin: 'zero',
  ordered: false,
  detects: (line) => line.startsWith('{') && isDocumentOf(line, 'tasks'),
  open: (rows, {options}) =>
    documentReader(workload, ({time, tasks}) => {
      const end = Math.round(time * 1e9);
      rows.horizonNs = end;
      const staggered = (frequency: number) =>
        tasks.filter(
          ({load}) => load.type === 'periodic' && load.frequency === frequency && load.priority <= 0,
        );
      for (const task of tasks) {
        const {id, load} = task;
        const model = task.client?.model_name ?? '';
        if (load.type === 'continuous') {
          rows.closedLoops.push({name: id, model, arrivals: {process: 'saturated', outstanding: 1}});
          continue;
        }
        const key = rows.intern(id, model);
        const random = stream(options.seed, `trace/${id}/arrivals`);
        let at: Float64Array = new Float64Array();
        if (load.type === 'trace') {
          at = Float64Array.from(load.trace, (ms) => Math.round(ms * 1e6)).filter((t) => t < end);
        } else if (load.type === 'poisson' && load.frequency > 0) {
          at = drawArrivals({process: 'poisson', rate: load.frequency}, end, random);
        } else if (load.frequency > 0) {
          const peers = staggered(load.frequency);
          const phase =
            (Math.max(0, peers.indexOf(task)) / Math.max(1, peers.length)) * (1e9 / load.frequency);
          at = drawArrivals({process: 'constant', rate: load.frequency, phase}, end, random);
        }
        for (const t of at) rows.add(0, t, key);
      }
    }),
};

/** Orion's `inter_arrival_times.json`: an array of the seconds between successive requests; the first comes at 0. */
export const orion: TraceFormat = {
  name: 'orion',
  origin: 'first',
  ordered: true,
  detects: (line) => line.startsWith('['),
  open: (rows, {name}) =>
    documentReader(z.array(z.number().min(0)), (gaps) => {
      const key = rows.intern(name);
      let at = 0;
      if (gaps.length > 0) rows.add(0, 0, key);
      for (const gap of gaps) {
        at += gap * 1e9;
        rows.add(0, Math.round(at), key);
      }
    }),
};
