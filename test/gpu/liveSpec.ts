import {parseScenario} from '../../src/experiment/scenario.ts';
import type {RunSpec} from '../../src/experiment/simulate.ts';
import {csvModel} from '../../src/workload/models/csvModel.ts';

const models = new Map([['small', csvModel('8,4,16\n8,4,16\n', 'small.csv')]]);

/** A live run of 200 ms for the stand-in: two tenants of a model of two small products, each with `rate` requests a second. */
export function liveSpec(policy: string, rate: number, {replication = 0, drain = '30s'} = {}): RunSpec {
  return {
    scenario: parseScenario(
      JSON.stringify({
        memory: false,
        duration: '200ms',
        drain,
        tenants: [
          {name: 'a', model: 'small', replicas: 2, slo: '100ms', arrivals: {process: 'poisson', rate}},
        ],
      }),
      'test',
    ),
    policy,
    load: null,
    replication,
    directory: '.',
    models,
  };
}
