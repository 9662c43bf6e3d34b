// Runs an experiment to its result: checks it, runs what is missing, writes the files, prints the table.
import {checkPlan} from '../experiment/check.ts';
import type {Experiment} from '../experiment/experiment.ts';
import {changesSince, makeManifest} from '../experiment/manifest.ts';
import {collect} from '../experiment/outcome.ts';
import {makePlan, shardOf} from '../experiment/plan.ts';
import type {Plan, PlannedRun} from '../experiment/plan.ts';
import type {Pool} from '../experiment/pool.ts';
import {ResultStore} from '../experiment/store.ts';
import {parseSummary, summaryOf} from '../experiment/summary.ts';
import type {Summary} from '../experiment/summary.ts';
import {sweep} from '../experiment/sweep.ts';
import {formatJson} from '../report/json.ts';
import {InputError, PolicyError} from '../scheduler/errors.ts';
import {InterruptedError} from './exitCode.ts';
import type {Io} from './io.ts';
import {printSummary} from './printSummary.ts';
import {Progress} from './progress.ts';

export interface ExecuteOptions {
  /** The command's name, for progress. */
  readonly name: string;
  /** Folder that results are in. */
  readonly output: string;
  readonly format: unknown;
  readonly report: boolean;
  readonly quiet: boolean;
  readonly jobs: number;
  /** Whether a complete result is made again, rather than shown. */
  readonly again: boolean;
  /** Where runs are made, by default in the simulator; results of the two never mix. */
  readonly open?: (threads: number) => Pool;
  /** Also write one run as a Chrome trace to this file. */
  readonly timeline?: string;
  /** Also write the arrivals of one run, as a trace, to this file. */
  readonly arrivals?: string;
  /** Do only one part of the runs, for several machines. */
  readonly shard?: {readonly index: number; readonly count: number};
}

export async function execute(experiment: Experiment, options: ExecuteOptions, io: Io): Promise<void> {
  const plan = await makePlan(experiment, options.open === undefined ? 'simulated' : 'live');
  const warnings = await checkPlan(plan);
  if (experiment.origin !== undefined) warnings.push(...changesSince(experiment.origin, plan));
  if (plan.droppedArrivals > 0)
    warnings.push(`${plan.droppedArrivals} arrivals of the trace belong to no tenant`);
  for (const warning of warnings) io.stderr.write(`superkernel: warning: ${warning}\n`);

  const store = new ResultStore(options.output, plan.hash);
  if (store.complete && !options.again) {
    io.stderr.write(`superkernel: ${store.folder} is complete; shown as it is\n`);
    printSummary(parseSummary(store.read('summary.json'), store.path('summary.json')), options.format, io);
    return;
  }
  if (store.complete) store.clear();
  const manifest = makeManifest(experiment, plan, store.folder, io.args);
  // With the first finished run, so that a command that fails leaves nothing behind.
  const begin = (): void => {
    if (!store.has('manifest.json')) store.write('manifest.json', formatJson(manifest));
  };
  const summary = await runMissing(experiment, plan, store, begin, options, io);
  if (summary === null) return;
  if (options.report) {
    const {reportOf} = await import('../experiment/report.ts');
    store.write('report.html', await reportOf(experiment, summary, manifest));
  }
  store.write('summary.json', formatJson(summary));
  store.forgetRuns();
  printSummary(summary, options.format, io);
  const main = options.report ? 'report.html' : 'summary.json';
  if (!options.quiet) io.stderr.write(`written: ${store.path(main)}\n`);
  if (options.timeline !== undefined) {
    const {writeTimeline} = await import('../experiment/timeline.ts');
    const run = nameOf(await writeTimeline(plan, options.timeline));
    io.stderr.write(`written: ${options.timeline}, ${run} (open it in ui.perfetto.dev)\n`);
  }
  if (options.arrivals !== undefined) {
    const {writeArrivals} = await import('../experiment/arrivalsFile.ts');
    const run = nameOf(await writeArrivals(plan, options.arrivals));
    io.stderr.write(`written: ${options.arrivals}, the arrivals of ${run}\n`);
  }
}

const nameOf = ({spec: {policy, load}}: PlannedRun): string =>
  load === null ? policy : `${policy} at load ${load}`;

/** Runs what the store does not hold yet; null where other shards are to follow. */
async function runMissing(
  experiment: Experiment,
  plan: Plan,
  store: ResultStore,
  begin: () => void,
  {name, quiet, jobs, shard, open}: ExecuteOptions,
  io: Io,
): Promise<Summary | null> {
  const outcomes = store.finishedRuns();
  const mine = shard === undefined ? plan.runs : shardOf(plan.runs, shard);
  const missing = mine.filter(({hash}) => !outcomes.has(hash));
  if (missing.length < mine.length && !quiet) {
    io.stderr.write(`${name}: ${mine.length - missing.length} of ${mine.length} runs were done before\n`);
  }
  const progress = new Progress(name, missing.length, io.stderr, quiet);
  const onInterrupt = (): void => {
    progress.end();
    io.stderr.write('superkernel: stopping after the runs in progress; interrupt again to stop at once\n');
  };
  io.interrupt.addEventListener('abort', onInterrupt, {once: true});
  try {
    await sweep(missing, {
      jobs,
      signal: io.interrupt,
      ...(open === undefined ? {} : {open}),
      onOutcome: ({hash}, outcome) => {
        // A live run that was cut short is none.
        if ('summary' in outcome && outcome.summary.ended === 'stopped') return;
        begin();
        store.keepRun(hash, outcome);
        outcomes.set(hash, outcome);
        progress.advance();
      },
    });
  } catch (error) {
    const isOneOfSeveral = plan.cells.some(({policy}) => policy !== plan.cells[0].policy);
    if (!(error instanceof PolicyError) || !isOneOfSeveral) throw error;
    throw new PolicyError(`${error.message}; the others run where this policy is left out`, {cause: error});
  } finally {
    progress.end();
    io.interrupt.removeEventListener('abort', onInterrupt);
  }
  const done = mine.filter(({hash}) => outcomes.has(hash)).length;
  if (done < mine.length) {
    throw new InterruptedError(
      String(io.interrupt.reason),
      `interrupted; ${done} of ${mine.length} runs are kept in ${store.folder}; continue with: superkernel ${io.args.map(quote).join(' ')}`,
    );
  }
  const elsewhere = plan.runs.filter(({hash}) => !outcomes.has(hash)).length;
  if (elsewhere > 0) {
    io.stderr.write(
      `${name}: this shard is done; ${elsewhere} of ${plan.runs.length} runs are missing in ${store.folder} (copy those of the other shards there and run again without --shard)\n`,
    );
    return null;
  }
  const cells = collect(plan, outcomes);
  if (cells.every(({error}) => error !== undefined)) {
    store.clear();
    throw new InputError(`no policy can run this: ${cells[0].error}`);
  }
  return summaryOf(experiment, plan, cells);
}

/** As a shell reads it back. */
const quote = (arg: string): string =>
  /^[\w./:=,@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`;
