import {InputError, NoDeviceError, SuperkernelError} from '../scheduler/errors.ts';

/** The command line itself is wrong; nothing was run. */
export class UsageError extends InputError {
  override readonly code: string = 'USAGE';
}

/** The run went well and its result is not good enough: a threshold or a comparison failed. */
export class ThresholdError extends SuperkernelError {
  override readonly code: string = 'THRESHOLD';
}

/** Stopped by a signal; what had finished is kept. */
export class InterruptedError extends SuperkernelError {
  override readonly code: string = 'INTERRUPTED';
  readonly signal: string;

  constructor(signal: string, message: string) {
    super(message);
    this.signal = signal;
  }
}

/** The only place that knows exit codes: the first family that an error belongs to counts. */
const table: readonly (readonly [new (...args: never[]) => Error, number])[] = [
  [NoDeviceError, 4],
  [ThresholdError, 3],
  [InputError, 2],
];

/** 128 and the number of the signal, as shells have it. */
const signals: Readonly<Record<string, number>> = {SIGINT: 130, SIGTERM: 143};

/** The exit code of a command that ended with this error: 1 for all that is in no family. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) return signals[error.signal] ?? 1;
  return table.find(([family]) => error instanceof family)?.[1] ?? 1;
}

/** What to print of an error: one line of those that we or the system mean, all of those that are our own mistakes. */
export function describeError(error: unknown): string {
  if (error instanceof SuperkernelError) return error.message;
  if (!(error instanceof Error)) return `internal error: ${String(error)}`;
  // File system errors: `ENOSPC: no space left on device, write`.
  if ('syscall' in error && 'code' in error) return error.message;
  return `internal error: ${error.stack ?? error.message}`;
}
