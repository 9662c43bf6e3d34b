// The mixes of tenants of the policies' benchmark, as scenarios that lie in a folder with their model files.
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {parseScenario} from '../../src/experiment/scenario.ts';
import type {Scenario} from '../../src/experiment/scenario.ts';

export interface Mix {
  readonly name: string;
  readonly scenario: Scenario;
}

const chainLength = 20;
const chainTenants = 20;
const shapes = ['512x1x512', '256x128x1152', '256x256x256'] as const;
type Shape = (typeof shapes)[number];

/** Tenants that run chains of equal GEMMs, the shapes in equal parts. */
function chains(folder: string, ...of: readonly Shape[]): Mix {
  const name = of.join(' + ');
  return {
    name,
    scenario: parseScenario(
      JSON.stringify({
        memory: false,
        models: Object.fromEntries(of.map((shape) => [shape, join(folder, `${shape}.yaml`)])),
        tenants: of.map((shape) => ({
          name: shape,
          model: shape,
          replicas: chainTenants / of.length,
          slo: '10ms',
          arrivals: {process: 'poisson', rate: 1},
        })),
      }),
      name,
    ),
  };
}

/** The tenants of scenarios/validate.yaml, with `batch` inputs in a request. */
function models(name: string, batch: number): Mix {
  const tenant = (name: string, model: string, replicas: number, slo: string, arrivals: object) => ({
    name,
    model,
    replicas,
    slo,
    batch,
    arrivals,
  });
  return {
    name,
    scenario: parseScenario(
      JSON.stringify({
        memory: false,
        tenants: [
          tenant('vision', 'resnet-50', 3, `${4 * batch}ms`, {
            process: 'poisson',
            rate: 60,
          }),
          tenant('camera', 'mobilenet-v2', 2, `${3 * batch}ms`, {
            process: 'gamma',
            rate: 80,
            cv: 2,
          }),
          tenant('text', 'bert-base-128', 2, `${8 * batch}ms`, {
            process: 'poisson',
            rate: 30,
          }),
          tenant('keyboard', 'lstm-1024', 1, `${batch}ms`, {
            process: 'poisson',
            rate: 200,
          }),
        ],
      }),
      name,
    ),
  };
}

/** All mixes; writes the chains' models into the folder. */
export function makeMixes(folder: string): readonly Mix[] {
  for (const shape of shapes) {
    const [m, n, k] = shape.split('x').map(Number);
    writeFileSync(
      join(folder, `${shape}.yaml`),
      JSON.stringify(Array.from({length: chainLength}, () => [m, n, k])),
    );
  }
  return [
    ...shapes.map((shape) => chains(folder, shape)),
    chains(folder, '256x128x1152', '256x256x256'),
    chains(folder, '512x1x512', '256x256x256'),
    models('models', 1),
    models('models, batch 4', 4),
  ];
}
