import type {ProfileView, Roofline} from '../../profile/showProfile.ts';
import type {Figure, Mark, Panel} from './figure.ts';

/** What a profile predicts of products, alone and coalesced, under the device's roofs: a panel for each data type. */
export function rooflineFigure({
  name,
  summary,
  rooflines,
}: ProfileView): Pick<Figure, 'title' | 'citation' | 'chart'> {
  return {
    title: `Roofline of ${name}`,
    citation: summary,
    chart: {kind: 'panels', panels: rooflines.map(panelOf)},
  };
}

function panelOf({dtype, peakTflops, dramGBs, points}: Roofline): Panel {
  const intensities = points.map(({intensity}) => intensity);
  const roofAt = (x: number): number => Math.min(peakTflops ?? Infinity, (x * dramGBs) / 1000);
  const ridge = peakTflops === null ? [] : [(1000 * peakTflops) / dramGBs];
  const ends = [Math.min(...intensities), ...ridge, Math.max(...intensities)].sort((a, b) => a - b);
  const sizes = [...new Set(points.map(({size}) => size))];
  return {
    title: dtype,
    x: {name: 'FLOP per byte that has to move', log: true},
    y: {name: 'TFLOP/s', log: true},
    series: [
      {name: 'roof', kind: 'line', marks: ends.map((x) => ({x, y: roofAt(x)}))},
      ...sizes.map((size) => ({
        name: size === 1 ? 'alone' : `${size} coalesced`,
        kind: 'points' as const,
        marks: points
          .filter((point) => point.size === size)
          .map(({intensity, tflops}): Mark => ({x: intensity, y: tflops})),
      })),
    ],
  };
}
