/** A place that text is written to: a terminal, a pipe, or a test's memory. */
export interface Output {
  write(text: string): void;
  /** Whether a person watches: live lines and colours are for terminals only. */
  readonly isTTY: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
}

/** What a command knows of the process it runs in. Results go to `stdout`, everything else to `stderr`. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The arguments as they were given, for manifests and for the command that resumes. */
  readonly args: readonly string[];
  /** Asked to stop: the first SIGINT or SIGTERM. Aborted with the signal's name as its reason. */
  readonly interrupt: AbortSignal;
}
