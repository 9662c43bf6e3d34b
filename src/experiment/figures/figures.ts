import {InputError} from '../../scheduler/errors.ts';
import {suggest} from '../../workload/suggest.ts';
import {batching} from './batching.ts';
import {coalescing} from './coalescing.ts';
import {complexity} from './complexity.ts';
import type {FigureDefinition} from './definition.ts';
import {engines} from './engines.ts';
import {memoryWall} from './memoryWall.ts';
import {mpsTenants} from './mpsTenants.ts';
import {multiplexing} from './multiplexing.ts';
import {shapeClusters} from './shapeClusters.ts';
import {tuning} from './tuning.ts';

/** The figures and tables of the papers, in the order of the argument. A new one is a file and a line here. */
export const figures: readonly FigureDefinition[] = [
  complexity,
  batching,
  multiplexing,
  mpsTenants,
  memoryWall,
  coalescing,
  tuning,
  shapeClusters,
  engines,
];

/** The figure of a name. Throws an InputError with the nearest known one. */
export function findFigure(name: string): FigureDefinition {
  const found = figures.find((figure) => figure.name === name);
  if (found !== undefined) return found;
  const names = figures.map((figure) => figure.name);
  const meant = suggest(name, names);
  throw new InputError(
    `unknown figure: ${name}${meant === undefined ? ` (known: ${names.join(', ')})` : `; did you mean "${meant}"?`}`,
  );
}
