import {InputError} from '../../scheduler/errors.ts';
import {didYouMean} from './issue.ts';
import type {Layer, Model} from './layer.ts';
import {layerFields, ownLayer, rowFields} from './ownLayer.ts';
import {ownModel} from './ownModel.ts';

const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/**
 * A model of the user's own from comma-separated lines, a layer each: with a header of field names, which are those of
 * `yamlModel`, or bare m, n, k and perhaps count. Blank lines and lines that begin with # are skipped; values are not
 * quoted. The file's name is used in errors and, without its ending, as the model's. Throws an `InputError` with file
 * and line.
 */
export function csvModel(text: string, fileName: string): Model {
  return ownModel({layers: csvLayers(text, fileName)}, fileName);
}

function csvLayers(text: string, fileName: string): Layer[] {
  const layers: Layer[] = [];
  let columns: readonly string[] | undefined;
  let optional = 0;
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const where = `${fileName}:${index + 1}`;
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const cells = line.split(',').map((cell) => cell.trim());
    if (line.includes('"')) throw new InputError(`${where}: quoted values are not supported: ${line.trim()}`);
    if (!columns && !number.test(cells[0])) {
      columns = header(cells, where);
      continue;
    }
    if (!columns) {
      columns = rowFields;
      optional = 1;
    }
    if (cells.length > columns.length || cells.length < columns.length - optional) {
      const expected = `${optional === 0 ? '' : `${columns.length - optional} or `}${columns.length}`;
      throw new InputError(
        `${where}: expected ${expected} values (${columns.join(', ')}), got ${cells.length}`,
      );
    }
    layers.push(ownLayer(entry(columns, cells), layers.length, [], () => where));
  }
  if (layers.length === 0) throw new InputError(`${fileName}: expected at least one layer, got none`);
  return layers;
}

function header(columns: readonly string[], where: string): readonly string[] {
  for (const [i, column] of columns.entries()) {
    if (!layerFields.includes(column)) {
      const hint = didYouMean(column, layerFields) || ` (known: ${layerFields.join(', ')})`;
      throw new InputError(`${where}: unknown column "${column}"${hint}`);
    }
    if (columns.indexOf(column) < i) throw new InputError(`${where}: column "${column}" appears twice`);
  }
  return columns;
}

/** A line as a layer's fields; empty cells are fields that were left out. */
function entry(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [i, cell] of cells.entries()) {
    if (cell !== '') fields[columns[i]] = columns[i] !== 'name' && number.test(cell) ? Number(cell) : cell;
  }
  return fields;
}
