import {z} from 'zod';
import {check, problemAt, show} from './issue.ts';
import type {Layer, Model} from './layer.ts';
import {ownLayer, rowFields} from './ownLayer.ts';
import {ownModel} from './ownModel.ts';
import type {GivenModel} from './ownModel.ts';
import {YamlSource} from './yamlSource.ts';

const text = z.string('expected a text').min(1, 'expected a text');
const list = z.array(z.unknown(), 'expected a list of layers').min(1, 'expected at least one layer');
const file = z.strictObject({
  name: text.optional(),
  title: text.optional(),
  description: text.optional(),
  source: text.optional(),
  layers: list,
});

/**
 * A model of the user's own from the text of a YAML file, whose name is used in errors and, without its ending, as the
 * model's name unless the file gives one.
 *
 * It holds a list of layers, or a mapping with `layers` and perhaps `name`, `title`, `description`, `source`. A layer
 * is a row `[m, n, k]` or `[m, n, k, count]`, a mapping of a GEMM (m, n, k, and perhaps name, kind, count, scales,
 * elements, weights), or of an element-wise layer (elements, and perhaps name, weights). All are for one input; `scales`
 * tells what a batch multiplies: `n` (unless told), `count` (as in attention: the default of kind bgemm) or `none`.
 *
 * Throws an `InputError` with file, line and column.
 */
export function yamlModel(content: string, fileName: string): Model {
  return ownModel(givenIn(content, fileName), fileName);
}

function givenIn(content: string, fileName: string): GivenModel {
  const source = new YamlSource(content, fileName);
  const {value, locate} = source;
  if (Array.isArray(value))
    return {layers: check(file, {layers: value}, [], locate).layers.map(layerAt([], source))};
  if (typeof value !== 'object' || value === null) {
    throw problemAt(
      locate([]),
      [],
      `expected a list of layers, or a mapping with "layers", got ${show(value)}`,
    );
  }
  const {layers, ...about} = check(file, value, [], locate);
  const texts = Object.fromEntries(Object.entries(about).filter(([, given]) => given !== undefined));
  return {...texts, layers: layers.map(layerAt(['layers'], source))};
}

function layerAt(list: readonly string[], {locate}: YamlSource): (entry: unknown, index: number) => Layer {
  return (entry, index) => {
    const path = [...list, index];
    if (Array.isArray(entry)) {
      if (entry.length < 3 || entry.length > 4) {
        throw problemAt(locate(path), path, `expected 3 or 4 numbers (m, n, k, count), got ${show(entry)}`);
      }
      const fields = Object.fromEntries(entry.map((value, i) => [rowFields[i], value as unknown]));
      return ownLayer(fields, index, path, locate, (field) => rowFields.indexOf(String(field)));
    }
    if (typeof entry !== 'object' || entry === null) {
      throw problemAt(
        locate(path),
        path,
        `expected a layer (a mapping, or a list of m, n, k), got ${show(entry)}`,
      );
    }
    return ownLayer(entry, index, path, locate);
  };
}
