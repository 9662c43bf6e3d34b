import {darkColours, lightColours} from '../charts/palette.ts';

const variables = (colours: readonly string[]): string =>
  colours.map((colour, i) => `--series-${i}: ${colour};`).join(' ');

/** The report's look: system fonts, light or dark as the reader's system is, and ready for paper. */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --page: #f4f5f7; --ink: #16191d; --muted: #5d6670; --rule: #c3c9d0; --grid: #e8ebee; 
  ${variables(lightColours)}
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #1a1d21; --page: #111316; --ink: #e9ecef; --muted: #a0a8b1; --rule: #4a525b; --grid: #2a2f35;
   
    ${variables(darkColours)}
  }
}
@media print {
  :root {
    --page: #ffffff; --paper: #ffffff; --ink: #000000; --muted: #444b52; --rule: #b0b6bd; --grid: #e3e6ea;
    ${variables(lightColours)}
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1184px; margin: 0 auto; padding: 40px 28px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.015em; margin: 4px 0 6px; }
h2 { font-size: 19px; letter-spacing: -0.01em; margin: 44px 0 12px; }
h3 { font-size: 15px; margin: 0; }
p { margin: 0; }
.eyebrow { color: var(--muted); font-size: 12px; font-weight: 600; letter-spacing: 0.09em; text-transform: uppercase; }
.lede { color: var(--muted); font-size: 16px; max-width: 46em; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 32px; margin: 20px 0 0; padding: 14px 0 0; border-top: 1px solid var(--rule); }
.facts dt { color: var(--muted); font-size: 12px; }
.facts dd { margin: 0; font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 14px; margin-top: 28px; }
.tile, .card { background: var(--paper); border: 1px solid var(--grid); border-radius: 10px; }
.tile { padding: 14px 16px 13px; }
.tile .name { color: var(--muted); font-size: 13px; }
.tile .value { font-size: 26px; font-weight: 650; letter-spacing: -0.015em; line-height: 1.25; margin: 2px 0; }
.tile .value small { font-size: 15px; font-weight: 500; color: var(--muted); letter-spacing: 0; }
.tile .note { font-size: 13px; color: var(--muted); }
.tile .note strong { color: var(--ink); font-weight: 600; }
.key { display: flex; flex-wrap: wrap; gap: 6px 22px; list-style: none; margin: 0 0 14px; padding: 0; font-size: 14px; }
.key li { display: flex; align-items: center; gap: 8px; }
.key svg { flex: none; }
.key em { color: var(--muted); font-style: normal; }
.cards { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
.card { padding: 16px 18px 12px; break-inside: avoid; display: flex; flex-direction: column; }
.card.wide { grid-column: 1 / -1; }
.card > p { color: var(--muted); font-size: 13px; margin: 2px 0 10px; }
.card > svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { color: var(--muted); font-size: 12px; font-weight: 600; text-align: left; vertical-align: bottom; line-height: 1.3; }
th .unit { display: block; font-weight: 400; }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { border-bottom: 1px solid var(--rule); white-space: normal; }
td.number, th.number { text-align: right; }
td .interval { color: var(--muted); font-size: 12px; }
td.message { color: var(--muted); white-space: normal; }
td .dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 8px; }
tr.first td { border-top: 1px solid var(--rule); }
tbody tr:last-child td { border-bottom: 0; }
.notes { color: var(--muted); font-size: 13px; margin: 10px 0 0; padding: 0; list-style: none; }
.problems { margin: -4px 0 14px; }
details { margin-top: 10px; }
details > summary { cursor: pointer; font-weight: 600; font-size: 14px; padding: 4px 0; }
details > summary em { color: var(--muted); font-style: normal; font-weight: 400; }
pre { background: var(--paper); border: 1px solid var(--grid); border-radius: 10px; padding: 14px 16px; overflow-x: auto;
  font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; margin: 8px 0 0; }
footer { color: var(--muted); font-size: 13px; margin-top: 48px; padding-top: 14px; border-top: 1px solid var(--rule); }
footer p { max-width: 70em; margin-bottom: 6px; }
@media screen and (max-width: 860px) { .cards { grid-template-columns: minmax(0, 1fr); } main { padding: 24px 16px 40px; } }
@media print {
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  .tiles { grid-template-columns: repeat(4, 1fr); gap: 8px; }
  .tile { padding: 10px 12px; } .tile .value { font-size: 20px; } .tile .value small, .tile .note { font-size: 11px; }
  .tile, .card { border-color: #c3c9d0; break-inside: avoid; }
  h2 { break-after: avoid; margin-top: 26px; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; } th { font-size: 7.5pt; } th, td { padding: 3px 5px; }
  pre { white-space: pre-wrap; }
}
`;
