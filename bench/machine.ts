import {execFileSync} from 'node:child_process';
import {availableParallelism, cpus, loadavg, release, totalmem} from 'node:os';

/** The first line of what a command prints, or null where it cannot be run. */
export function firstLine(file: string, args: readonly string[]): string | null {
  try {
    return execFileSync(file, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']})
      .split('\n')[0]
      .trim();
  } catch {
    return null;
  }
}

/** What the figures were measured on and with. */
export function describeMachine(): Record<string, string | number | null> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 1e9),
    kernel: release(),
    load_average: Number(loadavg()[0].toFixed(2)),
    node: process.versions.node,
    v8: process.versions.v8,
    'g++': firstLine('g++', ['--version']),
    python: firstLine('python3', ['--version']),
  };
}
