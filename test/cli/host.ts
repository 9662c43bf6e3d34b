// Runs command lines one after another in one process, so that a test does not start Node for each: compiled, a child
// of the tests (see commandLine.ts).
import {run} from '../../src/cli/program.ts';
import type {Output} from '../../src/cli/io.ts';

/** A command line to run. */
export interface Request {
  readonly args: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

/** What it came to. */
export interface Response {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function memory(): Output & {text: string} {
  return {
    text: '',
    isTTY: false,
    columns: 100,
    write(text) {
      this.text += text;
    },
  };
}

process.on('message', ({args, cwd, env}: Request) => {
  process.chdir(cwd);
  const [stdout, stderr] = [memory(), memory()];
  const interrupt = new AbortController().signal;
  void run(args, {stdout, stderr, env, args, interrupt}).then((code) => {
    const response: Response = {code, stdout: stdout.text, stderr: stderr.text};
    process.send!(response);
  });
});
