import {InputError} from '../scheduler/errors.ts';
import {parseDuration} from '../workload/units.ts';
import {text, flag} from './command.ts';
import type {Command} from './command.ts';
import {InterruptedError} from './exitCode.ts';

/** Measures the GPU at hand and writes its profile. */
export const calibrate: Command = {
  positionals: {},
  options: {
    output: text(
      'File to write; measurements go beside it (default: device.json, or the file of --host-only)',
      {alias: 'o'},
    ),
    device: text('GPU to measure; with tfjs also the profile that stands in for what is not measured', {
      default: 'cuda:0',
    }),
    models: text('Models to measure for, separated by commas'),
    scenario: text(
      'Measure for this scenario: its models, besides those of --models, and how its tenants slow each other',
    ),
    budget: text('Time that measuring may take', {default: '5min'}),
    name: text('Name of the profile (default: of the file)'),
    'host-only': text(
      'Measure only what the host costs on this machine, and put it into this profile (20 to 40 seconds)',
    ),
    profiler: text('What measures: our own launches, or the operations of TensorFlow.js', {
      choices: ['cublas', 'tfjs'],
      default: 'cublas',
    }),
    backend: text('Of tfjs: its native library on the GPU, or plain JavaScript', {
      choices: ['gpu', 'cpu'],
      default: 'gpu',
    }),
    restart: flag('Forget an interrupted calibration instead of going on with it'),
    cublas: text('libcublas.so, or the folder that holds it'),
    nvrtc: text('libnvrtc.so, or the folder that holds it'),
  },
  examples: [
    ['$0 calibrate -o h200.json --models resnet-50,lstm-1024', 'a profile for two models'],
    ['$0 calibrate -o mine.json --scenario mine.yaml', 'a profile for a scenario of your own'],
    ['$0 calibrate --host-only h200.json', 'the same GPU in another machine'],
    ['$0 calibrate --profiler tfjs -o tfjs.json', 'as TensorFlow.js runs it; then "profile compare"'],
  ],
  async run(args, io) {
    const {CalibrationStopped} = await import('../gpu/calibration/session.ts');
    try {
      if (args['profiler'] === 'tfjs') await calibrateTensorFlow(args, io);
      else if (typeof args['host-only'] === 'string') await calibrateHost(args['host-only'], args, io);
      else await calibrateAll(args, io);
    } catch (error) {
      if (error instanceof CalibrationStopped)
        throw new InterruptedError(String(io.interrupt.reason), error.message);
      throw error;
    }
  },
};

type Arguments = Parameters<Command['run']>[0];
type Io = Parameters<Command['run']>[1];

async function calibrateAll(args: Arguments, io: Io): Promise<void> {
  const experiment = await import('../experiment/calibrate.ts');
  const output = outputOf(args, 'device.json');
  const {profile, durations, records, failed} = await experiment.calibrate({
    ...(await modelsOf(args['models'], args['scenario'])),
    ...shared(args, io),
    output,
    name: typeof args['name'] === 'string' ? args['name'] : nameOf(output),
    budgetNs: parseDuration(String(args['budget'])),
    command: ['superkernel', ...io.args].join(' '),
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
}

async function calibrateTensorFlow(args: Arguments, io: Io): Promise<void> {
  if (args['host-only'] !== undefined) throw new InputError('give --host-only or --profiler tfjs, not both');
  const experiment = await import('../experiment/tensorFlowCalibration.ts');
  const output = outputOf(args, 'device.json');
  const {models, ...given} = await modelsOf(args['models'], args['scenario']);
  const {profile, measurements, failed} = await experiment.calibrateTensorFlow({
    ...given,
    models: [...models.values()],
    output,
    name: typeof args['name'] === 'string' ? args['name'] : nameOf(output),
    backend: args['backend'] === 'cpu' ? 'cpu' : 'gpu',
    device: String(args['device']),
    budgetNs: parseDuration(String(args['budget'])),
    date: new Date().toISOString().slice(0, 10),
    command: ['superkernel', ...io.args].join(' '),
    log: (line) => io.stderr.write(`${line}\n`),
    shouldStop: () => io.interrupt.aborted,
    restart: args['restart'] === true,
  });
  const points = (profile.measured ?? []).reduce((sum, table) => sum + table.points.length, 0);
  const {products, left} = measurements;
  const found = [
    `${output}: ${profile.hardware.gpu} through TensorFlow.js, ${points} of ${products.length} products took longer than the host’s part of them`,
    ...(left > 0 ? [`${left} measurements left out, as the time was up`] : []),
    ...(failed.size > 0 ? [`${failed.size} failed`] : []),
  ];
  io.stdout.write(`${found.join('; ')}\n`);
}

async function calibrateHost(nameOrPath: string, args: Arguments, io: Io): Promise<void> {
  for (const name of ['models', 'scenario', 'restart', 'name'])
    if (args[name] !== undefined && args[name] !== false)
      throw new InputError(`give --host-only or --${name}, not both`);
  const {measureHost} = await import('../experiment/refreshHost.ts');
  const {readProfile, writeProfile} = await import('../experiment/profileFiles.ts');
  const profile = readProfile(nameOrPath);
  // A profile that ships stays as it is.
  const output = outputOf(args, nameOrPath.endsWith('.json') ? nameOrPath : `${nameOrPath}.json`);
  const {profile: refreshed, runs, failed} = await measureHost({...shared(args, io), profile});
  writeProfile(output, refreshed);
  const us = (ns: number): string => (ns / 1000).toFixed(1);
  const {submit, decide_ns, detect_ns} = refreshed.host;
  io.stdout.write(
    `${output}: ${refreshed.hardware.gpu}, host terms from ${runs.length} live runs: ` +
      `submit ${us(submit.single.fixed_ns + submit.single.per_member_ns)} us, wake-up ${us(decide_ns.value)} us besides its launches and members, detection ${us(detect_ns.value)} us` +
      `${failed.size > 0 ? ` (${failed.size} measurements failed)` : ''}\n`,
  );
}

/** What both ways of calibrating take from the command line. */
function shared(args: Arguments, io: Io) {
  const path = (name: 'cublas' | 'nvrtc'): Record<string, string> =>
    typeof args[name] === 'string' ? {[name]: args[name]} : {};
  return {
    ordinal: ordinalOf(String(args['device'])),
    paths: {...path('cublas'), ...path('nvrtc')},
    date: new Date().toISOString().slice(0, 10),
    log: (line: string): void => {
      io.stderr.write(`${line}\n`);
    },
    shouldStop: () => io.interrupt.aborted,
  };
}

function outputOf(args: Arguments, otherwise: string): string {
  const output = typeof args['output'] === 'string' ? args['output'] : otherwise;
  if (!output.endsWith('.json')) throw new InputError(`invalid --output: ${output} (expected a .json file)`);
  return output;
}

const nameOf = (output: string): string => output.replace(/^.*\//, '').replace(/\.json$/, '');

function ordinalOf(device: string): number {
  const match = /^cuda:(\d+)$/.exec(device);
  if (match === null) throw new InputError(`invalid --device: ${device} (expected cuda:0, cuda:1, ...)`);
  return Number(match[1]);
}

/** The models to measure, by the names that the scenario has for them, and what else it says. */
async function modelsOf(names: unknown, scenarioFile: unknown) {
  const {findModel} = await import('../workload/models/zoo.ts');
  const listed = typeof names === 'string' ? names.split(',').filter((name) => name !== '') : [];
  if (typeof scenarioFile !== 'string') {
    const {usualModels} = await import('../experiment/calibrationPlan.ts');
    const wanted = typeof names === 'string' ? listed : usualModels;
    return {models: new Map(wanted.map((name) => [name, findModel(name)]))};
  }
  const {readExperiment} = await import('../experiment/experiment.ts');
  const {loadModels} = await import('../experiment/ownModels.ts');
  const experiment = readExperiment(scenarioFile);
  const {scenario} = experiment;
  const models = new Map(await loadModels(experiment));
  for (const name of listed) if (!models.has(name)) models.set(name, findModel(name));
  const batches = [...new Set(scenario.tenants.map(({batch}) => batch))];
  return {models, batches, scenario};
}
