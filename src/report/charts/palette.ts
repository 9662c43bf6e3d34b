import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3';

/** Wong 2011 (Nature Methods 8:441), told apart with any colour vision; its yellow, too pale for lines, is grey here. */
export const lightColours = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#b8528c',
  '#e69f00',
  '#3a9bd6',
  '#6b5fb5',
  '#6d7278',
];
/** The same hues for a dark background. */
export const darkColours = [
  '#4da3e0',
  '#f0833a',
  '#2fc79c',
  '#e085b8',
  '#f2b93b',
  '#8accf5',
  '#a79df0',
  '#a9afb6',
];

const shapes = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
];

/** How one policy looks in every chart: colour, shape of its points and, past eight policies, dashes. */
export interface Look {
  readonly colour: string;
  readonly dashes: string | undefined;
  /** Path of a point around the origin. */
  readonly point: string;
}

/** The look of the i-th policy. */
export function lookOf(i: number): Look {
  const n = lightColours.length;
  return {
    colour: `var(--series-${i % n}, ${lightColours[i % n]})`,
    dashes: i < n ? undefined : '5 3',
    point: symbol(shapes[i % shapes.length], 40)()!,
  };
}
