import {gammaGaps, weibullGaps} from '../arrivals/renewal.ts';
import {stream, type Random} from '../random.ts';
import {columnsOf, csvRow} from './csvRow.ts';
import type {TraceFormat} from './format.ts';
import {BadRow} from './trace.ts';

const windowSeconds = 600;

/** A row of a file without header; windows without requests read `0,0,0,,0,0`. */
const upstream = /^\d+(\.\d+)?,[\d.e+-]+,[\d.e+-]*,(Gamma|Weibull|),[\d.e+-]+,[\d.e+-]+$/;

/** The narrowest shapes that are drawn; below them a window's requests all come at one instant. */
const leastShape = {Gamma: 1e-4, Weibull: 0.12};

/**
 * ServeGen's client traces: a row a client and 600 s window with its rate (per second) and the distribution of its gaps
 * (Gamma or Weibull, shape p1, scale p2). Either one table with the columns client, t_s, rate_rps, cv, dist, p1 and p2,
 * or one of the project's `chunk-*-trace.csv`, which have no header and no client.
 *
 * Each window is a stationary renewal process of its own, with gaps of shape p1 and mean 1/rate. The published scale is
 * not used: it was fitted to the gaps alone, and where a client is active for part of a window (window 135600 of
 * m-mid: 45 requests in 1.6 s) it means a rate a hundred times the one measured.
 */
export const serveGen: TraceFormat = {
  name: 'servegen',
  origin: 'zero',
  ordered: false,
  detects: (line) => line.startsWith('client,t_s,rate_rps,cv,dist,p1') || upstream.test(line),
  open(rows, {name, options}) {
    let columns: number[] | undefined;
    return {
      line(text) {
        const fields = csvRow(text);
        if (columns === undefined) {
          const headless = upstream.test(text);
          columns = headless
            ? [-1, 0, 1, 3, 4]
            : columnsOf(fields, ['client', 't_s', 'rate_rps', 'dist', 'p1']);
          if (!headless) return;
        }
        const [client, start, rate, dist, shape] = columns.map((column) =>
          column < 0 ? name : (fields[column] ?? ''),
        );
        const from = number(start, 't_s');
        const perSecond = number(rate, 'rate');
        rows.horizonNs = Math.max(rows.horizonNs ?? 0, (from + windowSeconds) * 1e9);
        if (perSecond === 0) return;
        const id = rows.intern(client);
        if (!rows.wants(from * 1e9, (from + windowSeconds) * 1e9)) return;
        const gaps = gapsOf(dist, shape, stream(options.seed, `trace/${client}/${start}`));
        const mean = 1 / perSecond;
        for (let at = gaps.first() * mean; at < windowSeconds; at += gaps.next() * mean)
          rows.add(from, Math.floor(at * 1e9), id);
      },
    };
  },
};

function gapsOf(dist: string, text: string, random: Random) {
  if (dist !== 'Gamma' && dist !== 'Weibull')
    throw new BadRow(`unknown distribution: ${JSON.stringify(dist)} (known: Gamma, Weibull)`);
  const shape = number(text, 'shape');
  if (shape < leastShape[dist])
    throw new BadRow(`invalid shape: ${text} (expected at least ${leastShape[dist]} of ${dist})`);
  return dist === 'Gamma' ? gammaGaps(1 / Math.sqrt(shape), random) : weibullGaps(shape, random);
}

function number(text: string, noun: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value >= 0 && value < Infinity))
    throw new BadRow(`invalid ${noun}: ${JSON.stringify(text)} (expected 0 or more)`);
  return value;
}
