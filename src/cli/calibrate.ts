import {readFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {InputError} from '../scheduler/errors.ts';
import {parseDuration} from '../workload/units.ts';
import {text, flag} from './command.ts';
import type {Command} from './command.ts';
import {InterruptedError} from './exitCode.ts';

/** Measures the GPU at hand and writes its profile. */
export const calibrate: Command = {
  command: 'calibrate',
  describe: 'Measure the GPU and write its device profile',
  positionals: {},
  options: {
    output: text('File to write; measurements go beside it', {alias: 'o', default: 'device.json'}),
    device: text('GPU to measure', {default: 'cuda:0'}),
    models: text('Models to measure for, separated by commas'),
    scenario: text('Measure for the models of this scenario'),
    budget: text('Time that measuring may take', {default: '5min'}),
    name: text('Name of the profile (default: of the file)'),
    restart: flag('Forget an interrupted calibration instead of going on with it'),
    cublas: text('libcublas.so, or the folder that holds it'),
    nvrtc: text('libnvrtc.so, or the folder that holds it'),
  },
  examples: [['$0 calibrate -o h200.json --models resnet-50,lstm-1024', 'a profile for two models']],
  async run(args, io) {
    const experiment = await import('../experiment/calibrate.ts');
    const {CalibrationStopped} = await import('../gpu/calibration/session.ts');
    const output = String(args['output']);
    if (!output.endsWith('.json'))
      throw new InputError(`invalid --output: ${output} (expected a .json file)`);
    const path = (name: 'cublas' | 'nvrtc'): Record<string, string> =>
      typeof args[name] === 'string' ? {[name]: args[name]} : {};
    try {
      const {profile, durations, records, failed} = await experiment.calibrate({
        ...(await modelsOf(args['models'], args['scenario'])),
        output,
        name:
          typeof args['name'] === 'string'
            ? args['name']
            : output.replace(/^.*\//, '').replace(/\.json$/, ''),
        budgetNs: parseDuration(String(args['budget'])),
        ordinal: ordinalOf(String(args['device'])),
        paths: {...path('cublas'), ...path('nvrtc')},
        date: new Date().toISOString().slice(0, 10),
        command: ['superkernel', ...io.args].join(' '),
        log: (line) => {
          io.stderr.write(`${line}\n`);
        },
        shouldStop: () => io.interrupt.aborted,
        restart: args['restart'] === true,
      });
      const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
      io.stdout.write(
        `${output}: ${profile.hardware.gpu}, ${profile.measured?.length ?? 0} measured tables` +
          (durations === null
            ? ''
            : `; ${durations.rows} unseen superkernels predicted within ${percent(durations.median)} (median), ${percent(durations.p90)} (p90)`) +
          `\nmeasurements: ${records}${failed.size > 0 ? ` (${failed.size} failed)` : ''}\n`,
      );
    } catch (error) {
      if (error instanceof CalibrationStopped)
        throw new InterruptedError(String(io.interrupt.reason), error.message);
      throw error;
    }
  },
};

function ordinalOf(device: string): number {
  const match = /^cuda:(\d+)$/.exec(device);
  if (match === null) throw new InputError(`invalid --device: ${device} (expected cuda:0, cuda:1, ...)`);
  return Number(match[1]);
}

async function modelsOf(names: unknown, scenarioFile: unknown) {
  const {findModel} = await import('../workload/models/zoo.ts');
  if (typeof scenarioFile !== 'string') {
    const {usualModels} = await import('../experiment/calibrate.ts');
    const list = typeof names === 'string' ? names.split(',').filter((name) => name !== '') : usualModels;
    return {models: list.map(findModel)};
  }
  if (names !== undefined) throw new InputError('give --models or --scenario, not both');
  const {parseScenario} = await import('../experiment/scenario.ts');
  const {loadModels} = await import('../experiment/ownModels.ts');
  const scenario = parseScenario(readFileSync(scenarioFile, 'utf8'), scenarioFile);
  const batches = [...new Set(scenario.tenants.map(({batch}) => batch))];
  return {models: [...loadModels(scenario, dirname(scenarioFile)).values()], batches};
}
