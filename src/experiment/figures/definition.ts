import type {Figure} from '../../report/figures/figure.ts';
import type {Source} from './source.ts';

/** How much of a figure is made: every point, or as few as show its form. */
export interface Detail {
  readonly quick: boolean;
  /** Told what has just been found, in a line. */
  readonly onProgress?: (line: string) => void;
}

/** A figure or table of the papers: what is plotted and what was published, but not where numbers come from. */
export interface FigureDefinition {
  readonly name: string;
  readonly title: string;
  readonly citation: string;
  make(source: Source, detail: Detail): Promise<Omit<Figure, 'name' | 'title' | 'citation'>>;
}

/** Makes the figure of a definition. */
export async function makeFigure(
  {name, title, citation, make}: FigureDefinition,
  source: Source,
  detail: Detail = {quick: false},
): Promise<Figure> {
  return {name, title, citation, ...(await make(source, detail))};
}

/** The whole numbers from `first` to `last`. */
export const range = (first: number, last: number): number[] =>
  Array.from({length: last - first + 1}, (_, i) => first + i);
