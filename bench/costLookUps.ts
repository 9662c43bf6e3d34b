import type {Benchmark} from './benchmark.ts';
import {run} from './costs.ts';

/** What the cost model costs by itself. */
export const costLookUps: Benchmark = {
  name: 'costs',
  summary: 'a look-up in the cost model, remembered and computed',
  async run() {
    const results = run();
    return {
      title: 'Costs: one look-up',
      columns: ['what', 'median', 'undisturbed', 'at most'],
      rows: results.map(({name, unit, value, undisturbed, reference}) => [
        name.replace(/^costs: /, ''),
        `${value.toFixed(0)} ${unit}`,
        `${undisturbed.toFixed(0)} ${unit}`,
        reference === undefined ? '-' : `${reference} ${unit}`,
      ]),
      notes: ['"undisturbed" is what a tenth of the rounds stay below, as neighbours slow a shared machine'],
      data: results,
    };
  },
};
