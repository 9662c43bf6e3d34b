// SVG and HTML as text, without a DOM.

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Elements that never hold anything. HTML takes any other one for open until it is closed. */
const empty = new Set(['line', 'meta', 'path', 'rect']);

/** An element of SVG or HTML. Children are markup: escape text first. Numbers are rounded to hundredths. */
export function element(name: string, attributes: Attributes = {}, ...children: readonly string[]): string {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) open += ` ${key}="${escape(typeof value === 'number' ? round(value) : value)}"`;
  }
  if (children.length === 0 && empty.has(name)) return `${open}/>`;
  return `${open}>${children.join('')}</${name}>`;
}

/** A text as markup. */
export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A coordinate with two decimals at most: charts need no more, and snapshots stay stable. */
export function round(value: number): string {
  return String(Math.round(value * 100) / 100 + 0);
}

export function translate(x: number, y: number): string {
  return `translate(${round(x)},${round(y)})`;
}

/** Width of a text in px, roughly: system fonts differ, so leave slack. */
export function textWidth(text: string, size = 12): number {
  return text.length * size * 0.58;
}

/** A whole drawing that scales with its container, and reads on its own: colours have defaults without a style sheet. */
export function drawing(
  {width, height, title}: {width: number; height: number; title: string},
  ...children: readonly string[]
): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${round(width)} ${round(height)}`,
      width,
      height,
      role: 'img',
      'aria-label': title,
      'font-family': 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif',
      'font-size': 12,
      fill: ink,
    },
    ...children,
  );
}

export const ink = 'var(--ink, #16191d)';
export const muted = 'var(--muted, #5d6670)';
export const rule = 'var(--rule, #c3c9d0)';
export const grid = 'var(--grid, #e8ebee)';
export const paper = 'var(--paper, #ffffff)';
