import {element, escape} from '../charts/svg.ts';

/** A chart with what it shows and how to read it. */
export interface Card {
  readonly title: string;
  readonly text: string;
  /** SVG. */
  readonly chart: string;
  /** Takes the page's width. */
  readonly wide?: boolean;
}

export function htmlCard({title, text, chart, wide}: Card): string {
  return element(
    'section',
    {class: wide === true ? 'card wide' : 'card'},
    element('h3', {}, escape(title)),
    element('p', {}, escape(text)),
    chart,
  );
}
