import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Contender} from './measure.ts';
import {runJson} from './measure.ts';
import {compileSmall} from './references/compile.ts';
import {drawSmallWorkload, writeSmallWorkload} from './references/workload.ts';
import type {SmallRun} from './references/workload.ts';

/** Runs `use` with a folder of its own, which is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'superkernel-bench-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** How fast the machine is while something else is measured: the bare model in C++ at load 1, in kernels per CPU second. */
export function yardstick(folder: string): Contender<number> | {reason: string} {
  const compiled = compileSmall(folder);
  if ('reason' in compiled) return compiled;
  const requests = 100_000;
  const file = join(folder, 'yardstick.bin');
  writeSmallWorkload(file, drawSmallWorkload(requests, 1));
  return {
    name: 'bare model in C++',
    async measure() {
      const args = [file, String(requests), String(requests / 5)];
      const {kernels, cpuSeconds} = await runJson<SmallRun>(compiled.program, args);
      return kernels / cpuSeconds;
    },
  };
}
