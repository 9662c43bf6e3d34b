// A chart of lines with d3, as SVG text: no browser, no DOM.
import {extent, line, scaleLinear, scaleLog, schemeTableau10} from 'd3';

const escape = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);

/** Text that notebooks show as a drawing: Deno's kernel by this key, run.js by the same. */
export const svg = (text) => ({[Symbol.for('Jupyter.display')]: () => ({'image/svg+xml': text})});

/** Rows, as objects of one kind, as a table. */
export function table(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const cells = (values, tag) => values.map((value) => `<${tag}>${escape(value)}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells(Object.values(row), 'td')}</tr>`).join('\n');
  const html = `<table><thead><tr>${cells(columns, 'th')}</tr></thead><tbody>\n${body}\n</tbody></table>`;
  return {[Symbol.for('Jupyter.display')]: () => ({'text/html': html})};
}

/**
 * Lines with a legend. `series` is a list of {name, points: [{x, y, low, high}]}; `low` and `high` draw an interval, a
 * point without a finite y is a gap. `log` names the axes that are logarithmic, e.g. 'xy'.
 */
export function lines({title, x, y, series, log = '', width = 640, height = 360}) {
  const margin = {top: 30, right: 170, bottom: 44, left: 64};
  const points = series.flatMap((each) => each.points).filter((point) => Number.isFinite(point.y));
  // Intervals that go beyond the values end at the frame.
  const scale = (name, values, range) => {
    const [least, most] = extent(values);
    if (least === undefined) return scaleLinear([0, 1], range);
    const isLog = log.includes(name);
    const ends = (
      isLog ? scaleLog([least, most], range) : scaleLinear([Math.min(0, least), most], range)
    ).clamp(true);
    return name === 'y' ? ends.nice() : ends;
  };
  const places = points.map((point) => point.x);
  const toX = scale('x', places, [margin.left, width - margin.right]);
  const heights = points.map((point) => point.y);
  const toY = scale('y', heights, [height - margin.bottom, margin.top]);
  // The scale says which ticks have room for a text.
  const label = (scaled, value) => (scaled.tickFormat(6)(value) === '' ? '' : +value.toPrecision(6));
  const path = line()
    .defined((point) => Number.isFinite(point.y))
    .x((point) => toX(point.x))
    .y((point) => toY(point.y));
  const colour = (i) => schemeTableau10[i % schemeTableau10.length];
  const tick = (x1, y1, text, anchor) =>
    `<text x="${x1.toFixed(1)}" y="${y1.toFixed(1)}" text-anchor="${anchor}">${escape(text)}</text>`;
  const [bottom, right] = [height - margin.bottom, width - margin.right];
  return svg(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
      `<rect width="${width}" height="${height}" fill="white"/>`,
      `<text x="${margin.left}" y="16" font-size="13" font-weight="600">${escape(title)}</text>`,
      `<path d="M${margin.left},${margin.top}V${bottom}H${right}" fill="none" stroke="#888"/>`,
      ...toX.ticks(6).map((value) => tick(toX(value), bottom + 16, label(toX, value), 'middle')),
      ...toY.ticks(6).map((value) => tick(margin.left - 6, toY(value) + 4, label(toY, value), 'end')),
      tick((margin.left + right) / 2, height - 8, x, 'middle'),
      `<text transform="translate(14,${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(y)}</text>`,
      ...series.flatMap(({name, points}, i) => [
        `<g class="series" stroke="${colour(i)}" fill="none" data-name="${escape(name)}">`,
        `<path d="${path(points) ?? ''}" stroke-width="1.6"/>`,
        ...points
          .filter((point) => Number.isFinite(point.y))
          .flatMap((point) => [
            `<circle cx="${toX(point.x).toFixed(1)}" cy="${toY(point.y).toFixed(1)}" r="2.6" fill="${colour(i)}" stroke="none"/>`,
            ...(Number.isFinite(point.low) && Number.isFinite(point.high)
              ? [
                  `<path d="M${toX(point.x).toFixed(1)},${toY(point.low).toFixed(1)}V${toY(point.high).toFixed(1)}"/>`,
                ]
              : []),
          ]),
        '</g>',
        `<text x="${right + 14}" y="${margin.top + 14 * i + 10}" fill="${colour(i)}">${escape(name)}</text>`,
      ]),
      '</svg>',
    ].join('\n'),
  );
}
