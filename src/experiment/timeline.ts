// One run of a plan as a Chrome trace.
import {closeSync, openSync, renameSync, writeSync} from 'node:fs';
import {Timeline} from '../report/timeline.ts';
import {InputError} from '../scheduler/errors.ts';
import type {Plan, PlannedRun} from './plan.ts';
import {readProfile} from './profileFiles.ts';
import {prepareRun, simulateRun} from './simulate.ts';

/** Text is written in pieces of this many characters: a run has some hundred thousand events. */
const pieceLength = 2 ** 20;

/**
 * Simulates the first run of the plan whose policy takes requests one by one, and writes its timeline to `file`. Returns
 * the run. Policies that form batches make kernels of other shapes on the way, which a timeline could not name.
 */
export async function writeTimeline(plan: Plan, file: string): Promise<PlannedRun> {
  for (const {runs} of plan.cells) {
    const [run] = runs;
    const profile = readProfile(run.profile);
    const {workbench, lanes, setup} = await prepareRun(run.spec, profile);
    if (setup.admission === 'batched') continue;
    const draft = `${file}.${process.pid}.tmp`;
    const out = openSync(draft, 'w');
    let pending = '';
    const flush = (): void => {
      writeSync(out, pending);
      pending = '';
    };
    const timeline = new Timeline({
      write: (text) => {
        pending += text;
        if (pending.length > pieceLength) flush();
      },
      tenants: workbench.tenants,
      kernels: workbench.classes.kernels,
      lanes,
      host: setup.host,
      device: `${profile.name} (simulated)`,
    });
    await simulateRun(run.spec, {profile, recorder: timeline});
    timeline.end();
    flush();
    closeSync(out);
    renameSync(draft, file);
    return run;
  }
  throw new InputError(
    'no timeline: every policy forms batches (expected one that does not, such as ooo or streams)',
  );
}
