// What a figure of a paper is made of, once its numbers are known: data, what is drawn of it, what was published.
import type {ShapePoint} from '../clusters.ts';

/** A value that a paper states. */
export interface Published {
  readonly value: number;
  /** The paper states a limit and not a value. */
  readonly bound?: 'at least' | 'at most';
}

/** A quantity that a paper states, or that goes with one it states, beside what we find. */
export interface Comparison {
  /** What it is, e.g. `512x1x512: coalescing over the next best`. */
  readonly quantity: string;
  /** `x` for a ratio, `%` for a share given from 0 to 100, `` for a count. */
  readonly unit: string;
  /** Null where no paper states it. */
  readonly published: Published | null;
  /** Null where we cannot tell; the figure's notes say why. */
  readonly ours: number | null;
}

/** One of the marks of a series; x is a number, or the place of a label of the axis. */
export interface Mark {
  readonly x: number;
  /** Null where there is no value: a gap. */
  readonly y: number | null;
  /** Stands beside a point. */
  readonly label?: string;
}

export interface Series {
  /** Series of one name look alike in all panels. */
  readonly name: string;
  readonly kind: 'line' | 'points' | 'bars';
  readonly marks: readonly Mark[];
}

export interface PanelAxis {
  readonly name: string;
  readonly log?: boolean;
  /** Texts at 0, 1, 2, ... in place of numbers. */
  readonly labels?: readonly string[];
  /** The least end of an even axis; 0 by default. */
  readonly from?: number;
}

/** One plot of a figure. */
export interface Panel {
  readonly title: string;
  readonly x: PanelAxis;
  readonly y: PanelAxis;
  readonly series: readonly Series[];
  /** Levels to compare with, such as a memory's size or an SLO. */
  readonly levels?: readonly {readonly y: number; readonly text: string}[];
}

/** What is drawn: plots side by side, or the map of GEMM shapes. */
export type Chart =
  | {readonly kind: 'panels'; readonly panels: readonly Panel[]}
  | {readonly kind: 'shapes'; readonly points: readonly ShapePoint[]};

export type Field = string | number | null;

/** A figure or a table of a paper, made again. */
export interface Figure {
  /** Names files and what a command is asked for, e.g. `coalescing`. */
  readonly name: string;
  readonly title: string;
  /** Which figure of which paper. */
  readonly citation: string;
  /** Heads of `rows`, units included, e.g. `latency_ms`. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Field[])[];
  readonly chart: Chart;
  readonly comparisons: readonly Comparison[];
  /** How it was made, and what it does not show; whole sentences. */
  readonly notes: readonly string[];
}

/** Ours over the published value; null where one of the two is not known. */
export function ratioOf({published, ours}: Comparison): number | null {
  return published === null || ours === null ? null : ours / published.value;
}

/** Whether we agree with what was published within a share: a bound is kept, or the ratio is near 1. */
export function agrees(comparison: Comparison, within: number): boolean | null {
  const {published} = comparison;
  const ratio = ratioOf(comparison);
  if (published === null || ratio === null) return null;
  if (published.bound === 'at least' && ratio >= 1) return true;
  if (published.bound === 'at most' && ratio <= 1) return true;
  return ratio <= 1 + within && ratio >= 1 / (1 + within);
}
