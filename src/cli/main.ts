#!/usr/bin/env node
// The program's connection to the process: streams, signals and the exit code.
import {run} from './program.ts';
import type {Output} from './io.ts';

const output = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => void stream.write(text),
  isTTY: stream.isTTY,
  columns: stream.columns || 100, // 0 where a terminal does not know
});

// A reader that has seen enough, such as `head`, is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

const interruption = new AbortController();
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // The first asks, the second does not.
    if (interruption.signal.aborted) process.exit(code);
    interruption.abort(signal);
  });
}

const args = process.argv.slice(2);
process.exitCode = await run(args, {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  args,
  interrupt: interruption.signal,
});
