// What Perfetto's JSON importer needs of a Chrome trace (json_trace_parser_impl.cc): a file that passes opens whole.
import {group} from 'd3';

export interface TraceEvent {
  ph: string;
  name: string;
  cat?: string;
  pid?: number;
  tid?: number;
  ts?: number;
  dur?: number;
  id?: string | number;
  bp?: string;
  s?: string;
  args?: Record<string, unknown>;
}

/** The problems of a trace, one line each; none where it is sound. */
export function traceProblems(events: readonly TraceEvent[]): string[] {
  return [
    ...events.flatMap(fieldProblems),
    ...nestingProblems(events),
    ...requestProblems(events),
    ...arrowProblems(events),
    ...nameProblems(events),
  ];
}

const needed: Record<string, (keyof TraceEvent)[]> = {
  X: ['name', 'pid', 'tid', 'ts', 'dur'],
  b: ['name', 'pid', 'cat', 'id', 'ts'],
  n: ['name', 'pid', 'cat', 'id', 'ts'],
  e: ['name', 'pid', 'cat', 'id', 'ts'],
  C: ['name', 'pid', 'ts', 'args'],
  i: ['name', 'ts', 's', 'pid'],
  s: ['name', 'cat', 'id', 'pid', 'tid', 'ts'],
  f: ['name', 'cat', 'id', 'pid', 'tid', 'ts', 'bp'],
  M: ['name', 'pid', 'args'],
};

function fieldProblems(event: TraceEvent): string[] {
  const fields = needed[event.ph];
  if (fields === undefined) return [`unknown phase ${event.ph}`];
  const missing = fields.filter((field) => event[field] === undefined || event[field] === null);
  const times = [event.ts ?? 0, event.dur ?? 0];
  const counts = event.ph === 'C' ? Object.values(event.args ?? {}) : [];
  const numbers = [...times, ...counts];
  return [
    ...missing.map((field) => `${event.ph} ${event.name} lacks ${field}`),
    ...(numbers.every((x) => typeof x === 'number' && Number.isFinite(x) && x >= 0)
      ? []
      : [`${event.ph} ${event.name} has times or counts that are no numbers from 0: ${numbers.join(', ')}`]),
  ];
}

/** Slices of one thread lie inside or beside one another. */
function nestingProblems(events: readonly TraceEvent[]): string[] {
  const problems: string[] = [];
  const owners = new Map<number, number>();
  for (const [, slices] of group(
    events.filter(({ph}) => ph === 'X'),
    ({tid}) => tid,
  )) {
    const open: number[] = [];
    for (const {name, ts, dur, pid, tid} of slices.toSorted((a, b) => a.ts! - b.ts! || b.dur! - a.dur!)) {
      if ((owners.get(tid!) ?? pid) !== pid) problems.push(`thread ${tid} is of two processes`);
      owners.set(tid!, pid!);
      const end = ts! + dur!;
      while (open.length > 0 && open[open.length - 1] <= ts! + 1e-6) open.pop();
      if (open.length > 0 && end > open[open.length - 1] + 1e-6)
        problems.push(`${name} at ${ts} on thread ${tid} overlaps the slice before it`);
      open.push(end);
    }
  }
  return problems;
}

/** Each request begins once and ends once, in this order. */
function requestProblems(events: readonly TraceEvent[]): string[] {
  const async = events.filter(({ph}) => 'bne'.includes(ph));
  return [...group(async, ({cat, id}) => `${cat} ${id}`)].flatMap(([id, own]) => {
    const of = (ph: string): TraceEvent[] => own.filter((event) => event.ph === ph);
    const [begin, end] = [of('b'), of('e')];
    if (begin.length !== 1 || end.length !== 1)
      return [`${id} begins ${begin.length} times and ends ${end.length}`];
    const outside = own.some(({ts}) => ts! < begin[0].ts! || ts! > end[0].ts!);
    return outside ? [`${id} has events outside its begin and end`] : [];
  });
}

/** Each arrow starts once and finishes once, on a slice at either end. */
function arrowProblems(events: readonly TraceEvent[]): string[] {
  const slices = group(
    events.filter(({ph}) => ph === 'X'),
    ({tid}) => tid,
  );
  return [
    ...group(
      events.filter(({ph}) => ph === 's' || ph === 'f'),
      ({id}) => id,
    ),
  ].flatMap(([id, own]) => {
    if (typeof id !== 'number') return [`arrow ${id} has an id that is no number`];
    if (
      own
        .map(({ph}) => ph)
        .toSorted()
        .join('') !== 'fs'
    )
      return [`arrow ${id} has ${own.length} ends`];
    return own
      .filter(
        ({tid, ts}) => !slices.get(tid)?.some((slice) => slice.ts! <= ts! && ts! <= slice.ts! + slice.dur!),
      )
      .map(({ph}) => `arrow ${id} has no slice at its ${ph}`);
  });
}

/** Every process and thread that has slices has a name. */
function nameProblems(events: readonly TraceEvent[]): string[] {
  const named = (what: string, key: 'pid' | 'tid'): Set<number | undefined> =>
    new Set(events.filter(({ph, name}) => ph === 'M' && name === what).map((event) => event[key]));
  const processes = named('process_name', 'pid');
  const threads = named('thread_name', 'tid');
  return events
    .filter(({ph, pid, tid}) => ph !== 'M' && (!processes.has(pid) || (ph === 'X' && !threads.has(tid))))
    .map(({name, pid, tid}) => `${name} is on process ${pid}, thread ${tid}, which has no name`);
}
