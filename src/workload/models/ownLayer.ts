// A layer as a model file declares it, and what follows where the file does not say.

import {z} from 'zod';
import {check, type Locate, type Path} from './issue.ts';
import {gemmKinds, scalings, type Layer} from './layer.ts';

/** cuBLAS takes dimensions as 32-bit signed integers. */
const maxDimension = 2 ** 31 - 1;

const dimensionMessage = `expected a whole number from 1 to ${maxDimension}`;
const dimension = z.int(dimensionMessage).min(1, dimensionMessage).max(maxDimension, dimensionMessage);
const amountMessage = 'expected a whole number of at least 0';
const amount = z.int(amountMessage).min(0, amountMessage);
const layerName = z.string('expected a name').min(1, 'expected a name');

const gemm = z.strictObject({
  name: layerName.optional(),
  kind: z.enum(gemmKinds, `expected one of ${[...gemmKinds, 'elementwise'].join(', ')}`).default('gemm'),
  m: dimension,
  n: dimension,
  k: dimension,
  count: dimension.default(1),
  scales: z.enum(scalings, `expected one of ${scalings.join(', ')}`).optional(),
  elements: amount.optional(),
  weights: amount.optional(),
});

const elementwise = z.strictObject({
  name: layerName.optional(),
  kind: z.literal('elementwise').default('elementwise'),
  elements: amount,
  weights: amount.default(0),
});

/** The fields of a layer, and so the columns of a CSV file. */
export const layerFields: readonly string[] = Object.keys(gemm.shape);

/** What a row of bare numbers holds, in order; the count may be left out. */
export const rowFields = ['m', 'n', 'k', 'count'];

/**
 * The layer that `entry` declares: a GEMM, or an element-wise layer where it says so or gives `elements` and no shape.
 * Throws an `InputError` where it is malformed.
 */
export function ownLayer(
  entry: unknown,
  index: number,
  path: Path,
  locate: Locate,
  place?: (field: PropertyKey) => PropertyKey,
): Layer {
  if (isElementwise(entry)) {
    const {name = `layer${index}`, ...layer} = check(elementwise, entry, path, locate, place);
    return {name, ...layer};
  }
  const {name = `layer${index}`, kind, m, n, k, count, ...given} = check(gemm, entry, path, locate, place);
  const scales = given.scales ?? (kind === 'bgemm' ? 'count' : 'n');
  // Where the batch multiplies the products, each has an A of its own: an activation, not weights.
  const ownA = kind === 'bgemm' || scales === 'count';
  const elements = given.elements ?? ((ownA ? m * k : 0) + k * n + m * n) * count;
  const weights = given.weights ?? (ownA ? 0 : m * k * count);
  return {name, kind, m, n, k, count, scales, elements, weights};
}

function isElementwise(entry: unknown): boolean {
  if (typeof entry !== 'object' || entry === null) return false;
  if ('kind' in entry) return entry.kind === 'elementwise';
  return 'elements' in entry && !('m' in entry || 'n' in entry || 'k' in entry);
}
