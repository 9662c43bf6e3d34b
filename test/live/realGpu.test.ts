// What a live run survives on this machine's GPU, where there is one.
import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {afterAll, describe} from 'vitest';
import {probe} from '../../src/gpu/cuda.ts';
import {survivesFaults, survivesInterrupts} from '../contracts/liveFaults.ts';
import {Workplace, notCompiled} from './program.ts';

const reason = probe().reason ?? notCompiled;

const hasMps = (process.env['PATH'] ?? '')
  .split(':')
  .some((folder) => existsSync(`${folder}/nvidia-cuda-mps-control`));

/** MiB in use on the first GPU; null without nvidia-smi. */
function memoryInUse(): number | null {
  try {
    const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', '--id=0'];
    return Number(execFileSync('nvidia-smi', query, {encoding: 'utf8'}));
  } catch {
    return null;
  }
}

describe.skipIf(reason !== null)(`on this GPU${reason === null ? '' : ` (${reason})`}`, () => {
  const place = new Workplace();
  afterAll(() => place.remove());
  place.write('chain.csv', '256,128,1152\n'.repeat(20));
  place.write(
    'chains.yaml',
    `name: chains
device: h200
duration: 1s
drain: 10s
memory: false
models: {chain: ./chain.csv}
policies: [greedy]
tenants:
  - {name: a, model: chain, replicas: 3, slo: 20ms, arrivals: {process: poisson, rate: 200}}
  - {name: b, model: chain, slo: 20ms, arrivals: {process: gamma, rate: 200, cv: 2}}
`,
  );
  const refuse = fileURLToPath(new URL('../support/refuseLaunches.mjs', import.meta.url));
  const refusing = (name: string, call: string, from: number, args: string[]) => ({
    name,
    args,
    env: {NODE_OPTIONS: `--import ${refuse}`, REFUSE_CALL: call, REFUSE_FROM: String(from)},
    launches: 5,
  });
  survivesFaults({
    place,
    scenario: 'chains.yaml',
    tenants: 4,
    straggling: {rate: 200},
    refusing: [
      refusing('a recorded launch', 'launchGraphs', 400, ['--policy', 'greedy']),
      refusing('a launch that is not recorded', 'submitSequence', 400, [
        '--policy',
        'greedy',
        '--set',
        'graphs=false',
      ]),
      refusing('a whole request', 'launchGraphs', 60, ['--policy', 'streams:host-threads=shared']),
    ],
    memoryInUse,
  });
  survivesInterrupts({
    place,
    scenario: 'chains.yaml',
    cases: [
      ['live', 'ooo', 0],
      ['live', 'streams', 0],
      ['live', 'time-slice', 2],
      ...(hasMps ? ([['live', 'mps', 2]] as const) : []),
      ['validate', 'ooo', 0],
    ],
    memoryInUse,
  });
});
