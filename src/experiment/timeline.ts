// One run of a plan as a Chrome trace.
import {OutputFile} from '../files.ts';
import {Timeline} from '../report/timeline.ts';
import {firstPossibleRun} from './firstRun.ts';
import type {Plan, PlannedRun} from './plan.ts';
import {readProfile} from './profileFiles.ts';
import {simulateRun} from './simulate.ts';

/** Text is written in pieces of this many characters: a run has some hundred thousand events. */
const pieceLength = 2 ** 20;

/**
 * Simulates the first run of the plan that is possible, and writes its timeline to `file`. Returns the run. Throws a
 * CannotRunError where none is possible.
 */
export function writeTimeline(plan: Plan, file: string): Promise<PlannedRun> {
  return firstPossibleRun(plan, (run) => writeRun(run, file));
}

async function writeRun({spec, profile: name}: PlannedRun, file: string): Promise<void> {
  const profile = readProfile(name);
  const output = new OutputFile(file);
  let pending = '';
  const flush = (): void => {
    output.write(pending);
    pending = '';
  };
  let timeline: Timeline | null = null;
  try {
    await simulateRun(spec, {
      profile,
      recorder: ({workbench: {tenants, classes}, lanes, setup: {host}}) =>
        (timeline = new Timeline({
          write: (text) => {
            pending += text;
            if (pending.length > pieceLength) flush();
          },
          tenants,
          kernels: classes.kernels,
          lanes,
          host,
          device: `${profile.name} (simulated)`,
        })),
    });
    (timeline as Timeline | null)?.end();
    flush();
  } catch (error) {
    output.discard();
    throw error;
  }
  output.keep();
}
