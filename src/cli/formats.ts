import {formatTable} from '../report/table.ts';
import type {Table, TableFormat} from '../report/table.ts';
import {text} from './command.ts';
import type {Io} from './io.ts';

/** Forms in which every command that prints a table can print it. */
export const formats = ['table', 'json', 'csv', 'markdown'] as const;

export const formatOption = text('Form of the output', {choices: formats, default: 'table'});

/** Writes a table in the form asked for, or what it was made of as JSON. */
export function print(table: Table, json: unknown, format: unknown, {stdout}: Pick<Io, 'stdout'>): void {
  stdout.write(
    format === 'json' ? `${JSON.stringify(json, null, 2)}\n` : formatTable(table, format as TableFormat),
  );
}
