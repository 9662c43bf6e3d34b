import type {ListedCommand} from './command.ts';

/** The commands of the program, in the order of its help. A new one is a file and an entry here. */
export const commands: readonly ListedCommand[] = [
  {
    command: 'simulate <scenario>',
    describe: 'Simulate a scenario: every policy at every load, side by side',
    load: async () => (await import('./simulate.ts')).simulate,
  },
  {
    command: 'sweep <scenario>',
    describe: 'Simulate a scenario over a grid of settings; goes on where it was stopped',
    load: async () => (await import('./sweep.ts')).sweep,
  },
  {
    command: 'replay <trace>',
    describe: 'Replay a trace of arrivals under policies',
    load: async () => (await import('./replay.ts')).replay,
  },
  {
    command: 'live <scenario>',
    describe: 'Run a scenario on the GPU: every policy at every load, one after another',
    load: async () => (await import('./live.ts')).live,
  },
  {
    command: 'validate <scenario>',
    describe: 'Run a scenario in the simulator and on the GPU, and compare',
    load: async () => (await import('./validate.ts')).validate,
  },
  {
    command: 'calibrate',
    describe: 'Measure the GPU and write its device profile',
    load: async () => (await import('./calibrate.ts')).calibrate,
  },
  {
    command: 'doctor',
    describe: 'Say what this machine has for live runs, and how to get what is missing',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    command: 'trace <action> <file>',
    describe: 'Tell what is in a trace: "trace stats FILE"',
    load: async () => (await import('./trace.ts')).trace,
  },
  {
    command: 'policies [name]',
    describe: 'List the policies, or the parameters of one',
    load: async () => (await import('./policies.ts')).policies,
  },
  {
    command: 'models [name]',
    describe: 'List the known models, or the layers of one as GEMMs',
    load: async () => (await import('./models.ts')).models,
  },
  {
    command: 'clusters [scenario]',
    describe: 'Cluster the GEMM shapes of the models that a scenario uses, or of all known ones',
    load: async () => (await import('./clusters.ts')).clusters,
  },
  {
    command: 'compare <base> <candidate>',
    describe: 'Compare two results, paired by seed; can fail on what became worse (exit code 3)',
    load: async () => (await import('./compare.ts')).compare,
  },
  {
    command: 'figures [names..]',
    describe: 'Make the figures and tables of the papers again, from a device profile or on a GPU',
    load: async () => (await import('./figures.ts')).figures,
  },
  {
    command: 'profile <action> [names..]',
    describe: 'Device profiles: list, show NAME, check NAME DATA..., fit DATA... -o FILE, compare A B',
    load: async () => (await import('./profile.ts')).profile,
  },
  {
    command: 'schema',
    describe: 'Print the JSON Schema of scenario files',
    load: async () => (await import('./schema.ts')).schema,
  },
];
