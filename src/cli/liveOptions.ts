import type {Options} from 'yargs';
import {flag, text} from './command.ts';
import {UsageError} from './exitCode.ts';
import {formatOption} from './formats.ts';

/** What all commands that use a GPU take. */
export const liveOptions: Readonly<Record<string, Options>> = {
  gpu: text('CUDA device to use', {default: 'cuda:0'}),
  force: flag('Use the device profile also where it is of another GPU'),
  format: formatOption,
};

/** The CUDA ordinal of `--gpu`. */
export function ordinalOf({gpu}: Readonly<Record<string, unknown>>): number {
  const match = /^(?:cuda:)?(\d+)$/.exec(String(gpu));
  if (match === null)
    throw new UsageError(`invalid gpu: ${String(gpu)} (expected a CUDA device such as cuda:0)`);
  return Number(match[1]);
}
