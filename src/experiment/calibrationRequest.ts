/** What every calibration is asked, whatever measures. */
export interface CalibrationRequest {
  /** The file to write; measurements go beside it. */
  readonly output: string;
  /** The profile's name. */
  readonly name: string;
  /** Time that measuring may take, in ns. */
  readonly budgetNs: number;
  /** ISO date of today. */
  readonly date: string;
  /** The command line, for provenance. */
  readonly command: string;
  readonly log: (line: string) => void;
  readonly shouldStop?: () => boolean;
  /** Forget an interrupted calibration instead of going on with it. */
  readonly restart?: boolean;
}
