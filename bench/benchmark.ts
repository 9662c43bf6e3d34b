/** What a benchmark found: a table for people, the figures behind it for programs. */
export interface Findings {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader has to know: what was measured how, what was left out and why. */
  readonly notes: readonly string[];
  /** Every measured round, as plain data. */
  readonly data: unknown;
}

export interface BenchmarkOptions {
  /** Measurements of everything, interleaved; medians are reported. */
  readonly rounds: number;
  /** Name or folder of the npm package simjs, which is no dependency. */
  readonly simjs: string;
  /** Tells a person what is going on. */
  readonly log: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  run(options: BenchmarkOptions): Promise<Findings>;
}
