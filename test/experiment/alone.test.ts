// A request alone on the device takes what the profile says, whoever schedules it.
import {expect, test} from 'vitest';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {simulateRun} from '../../src/experiment/simulate.ts';

const policies = ['streams', 'exclusive', 'greedy', 'slo', 'ooo', 'batcher'];

test.each(['v100', 'a100', 'h200'])(
  'a lone request takes its solo time on a %s whose host costs nothing',
  async (device) => {
    const scenario = parseScenario(
      JSON.stringify({
        device,
        duration: '1s',
        'own-host': false,
        noise: false,
        tenants: [{name: 'a', model: 'resnet-18', slo: '20ms', arrivals: {process: 'constant', rate: 20}}],
      }),
      'alone',
    );
    for (const policy of policies) {
      const run = await simulateRun({scenario, policy, load: null, replication: 0, directory: '.'});
      const [{solo_ns, latency_mean_ns}] = run.tenants;
      expect(latency_mean_ns! / solo_ns!, policy).toBeCloseTo(1, 4);
    }
  },
);
