#!/usr/bin/env node
// Runs a notebook of this folder with Node alone, and writes its text and what its cells display as one HTML page:
//   node notebooks/run.js notebooks/compare-policies.ipynb page.html
// In Jupyter or an editor the same notebook runs on Deno's kernel (deno jupyter --install).
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {basename, dirname, join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const [file, page] = process.argv.slice(2);
if (file === undefined || page === undefined) {
  console.error('usage: node notebooks/run.js NOTEBOOK.ipynb PAGE.html');
  process.exit(2);
}

const {cells} = JSON.parse(readFileSync(file, 'utf8'));
const sourceOf = ({source}) => (Array.isArray(source) ? source.join('') : source);

/** What was displayed, by cell. */
const outputs = cells.map(() => []);
let current = 0;
globalThis.notebook = {
  begin(cell) {
    current = cell;
  },
  display(value) {
    outputs[current].push(htmlOf(value));
  },
};

const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;'})[c]);

function htmlOf(value) {
  const shown = value?.[Symbol.for('Jupyter.display')]?.();
  if (shown?.['image/svg+xml'] !== undefined) return `<figure>${shown['image/svg+xml']}</figure>`;
  if (shown?.['text/html'] !== undefined) return shown['text/html'];
  return `<pre>${escape(typeof value === 'string' ? value : JSON.stringify(value, null, 2))}</pre>`;
}

// The cells are one module: imports may stand in any of them, and names go from cell to cell. It lies beside the
// notebook, so that its imports mean what they mean there.
const isCode = ({cell_type}) => cell_type === 'code';
const code = cells.map((cell, i) => (isCode(cell) ? `notebook.begin(${i});\n${sourceOf(cell)}\n` : ''));
const module = join(dirname(resolve(file)), `.${basename(file, '.ipynb')}-${process.pid}.mjs`);
writeFileSync(module, code.join('\n'));
try {
  await import(pathToFileURL(module).href);
} catch (error) {
  console.error(`${file}, cell ${current + 1}: ${error.stack ?? error}`);
  process.exitCode = 1;
} finally {
  rmSync(module);
}

/** As little Markdown as the notebooks use: headings, paragraphs, code. */
function markdown(text) {
  const inline = (line) => escape(line).replace(/`([^`]+)`/g, '<code>$1</code>');
  return text
    .split(/\n\n+/)
    .map((block) => {
      const heading = /^(#+) (.*)$/.exec(block);
      if (heading !== null) return `<h${heading[1].length}>${inline(heading[2])}</h${heading[1].length}>`;
      const fenced = /^```\w*\n([\s\S]*)\n```$/.exec(block);
      return fenced === null ? `<p>${inline(block)}</p>` : `<pre>${escape(fenced[1])}</pre>`;
    })
    .join('\n');
}

const body = cells.map((cell, i) =>
  isCode(cell)
    ? `<details><summary>code</summary><pre>${escape(sourceOf(cell))}</pre></details>\n${outputs[i].join('\n')}`
    : markdown(sourceOf(cell)),
);
const style =
  'body{font-family:sans-serif;max-width:56em;margin:2em auto;line-height:1.45}table{border-collapse:collapse}td,th{padding:.15em .7em;text-align:right}td:first-child,th:first-child{text-align:left}thead{border-bottom:1px solid #888}pre{background:#f4f4f4;padding:.6em;overflow-x:auto}summary{color:#888;cursor:pointer}';
writeFileSync(
  page,
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(basename(file, '.ipynb'))}</title><style>${style}</style>\n${body.join('\n')}\n</html>\n`,
);
