import {rmSync, writeFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {profileOf, readExperiment} from '../experiment/experiment.ts';
import type {ValidatedCell} from '../experiment/validate.ts';
import {refuseFolder} from '../files.ts';
import {partialOf} from '../gpu/calibration/journal.ts';
import {mean} from '../metrics/stats.ts';
import {validationTable} from '../report/validationTable.ts';
import type {Command} from './command.ts';
import {flag, text, textOf} from './command.ts';
import {InterruptedError, ThresholdError, UsageError} from './exitCode.ts';
import {print} from './formats.ts';
import {liveOptions, ordinalOf} from './liveOptions.ts';
import {changeOptions, changesOf, suggestions, wholeNumber} from './scenarioOptions.ts';

/** The same arrivals through simulator and GPU, and how far they are apart. */
export const validate: Command = {
  positionals: {scenario: {type: 'string', describe: 'scenario file'}},
  options: {
    ...changeOptions,
    ...liveOptions,
    repeats: text('Measured runs of each arrivals file', {default: '3'}),
    simulations: text('Simulated runs of each, whose kernels take up to 1 % more or less', {default: '5'}),
    'max-error': text('Largest mean error of SLO attainment, in percentage points; beyond it exit code 3'),
    output: text('File for the result as JSON; with it, an interrupted validation can be gone on with'),
    restart: flag('Forget an interrupted validation instead of going on with it'),
    quiet: flag('No progress on stderr'),
  },
  suggestions,
  examples: [
    [
      '$0 validate my.yaml --policy streams --policy ooo --load 0.5,0.8',
      'is ooo better, and how sure is that?',
    ],
  ],
  async run(args, io) {
    const {validateExperiment} = await import('../experiment/validation.ts');
    const experiment = readExperiment(String(args['scenario']), changesOf(args));
    const maxError = args['max-error'] === undefined ? null : Number(args['max-error']);
    if (maxError !== null && !(maxError >= 0)) {
      throw new UsageError(`invalid max-error: ${String(args['max-error'])} (expected percentage points)`);
    }
    const quiet = args['quiet'] === true;
    const file = textOf(args, 'output');
    // Its folder is made where it is missing.
    if (file !== undefined) refuseFolder(file);
    const output = file === undefined ? null : resolve(file);
    const partial = output === null ? null : partialOf(output);
    if (partial !== null && args['restart'] === true) rmSync(partial, {force: true});
    const {cells, skipped, verdicts} = await validateExperiment(experiment, {
      profile: profileOf(experiment.scenario, experiment.directory),
      ordinal: ordinalOf(args),
      counts: {
        simulated: wholeNumber(args['simulations'], 'simulations'),
        measured: wholeNumber(args['repeats'], 'repeats'),
      },
      signal: io.interrupt,
      force: args['force'] === true,
      partial,
      warn: (sentence) => io.stderr.write(`superkernel: warning: ${sentence}\n`),
      onCell: ({policy, load}, done, all) => {
        if (!quiet) io.stderr.write(`validate  ${done}/${all}  ${policy} at ${load ?? 'own'} load\n`);
      },
    });
    const json = {
      schema_version: 1,
      cells: cells.map(({kinds, ...cell}) => ({...cell, kinds: kinds.slice(0, 200)})),
      skipped,
      verdicts,
    };
    // Its folder is there: it held what was finished.
    if (output !== null) writeFileSync(output, `${JSON.stringify(json, null, 1)}\n`);
    const table = validationTable(cells);
    const notes = [
      ...table.notes,
      // The reason begins with the policy.
      ...skipped.map(({load, reason}) => `${reason}, at ${load ?? 'own'} load`),
      ...verdicts.map(
        ({better, base, load, advantage, simulatorError, verdict}) =>
          `${better} against ${base} at ${load ?? 'own'} load: ${advantage.mean.toFixed(2)} ± ${advantage.half_width?.toFixed(2) ?? '?'} points of attainment, simulator error ${simulatorError.toFixed(2)}: ${verdict}`,
      ),
      ...(verdicts.length > 0 && cells[0].replications === 1
        ? ['±: 95 %, by twenty stretches of the one arrivals file; of several (--replications) by those']
        : []),
    ];
    print({...table, notes}, json, args['format'], io);
    if (io.interrupt.aborted) {
      const isKept = partial !== null && cells.length > 0;
      throw new InterruptedError(
        String(io.interrupt.reason),
        `interrupted after ${cells.length} policies and loads${isKept ? `; the same command goes on with ${partial}` : ''}`,
      );
    }
    checkError(cells, maxError);
  },
};

function checkError(cells: readonly ValidatedCell[], most: number | null): void {
  if (most === null) return;
  const errors = cells.flatMap(({metrics}) =>
    metrics.slo_attainment === undefined ? [] : [Math.abs(metrics.slo_attainment.error)],
  );
  const error = errors.length === 0 ? Infinity : mean(errors);
  if (error > most) {
    throw new ThresholdError(
      `the simulator’s mean error of SLO attainment is ${error.toFixed(2)} points, more than ${most}`,
    );
  }
}
