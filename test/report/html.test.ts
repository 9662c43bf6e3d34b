import {JSDOM} from 'jsdom';
import type {PageElement} from 'jsdom';
import {describe, expect, test} from 'vitest';
import type {CellResult} from '../../src/metrics/result.ts';
import {htmlReport} from '../../src/report/html.ts';
import type {Report} from '../../src/report/html.ts';
import {cell, sweep} from './results.ts';

const report = (results: readonly CellResult[], fields: Partial<Report> = {}): Report => ({
  title: 'One GPU, three tenants',
  facts: [['device', 'V100 (simulated)']],
  results,
  ...fields,
});

const pageOf = (page: Report): PageElement => new JSDOM(htmlReport(page)).window.document;

const texts = (root: PageElement, selector: string): string[] =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent.trim());

describe('the report', () => {
  const full = htmlReport(
    report(sweep, {
      description: 'Which policy keeps the SLO?',
      scenario: 'name: <b>one</b>\n',
      manifest: {seed: 1, note: '</script><script>alert(1)</script>'},
      shapes: [
        {model: 'a', m: 64, n: 64, k: 256, count: 1, cluster: 0},
        {model: 'b', m: 80, n: 64, k: 256, count: 4, cluster: 0},
      ],
    }),
  );

  test('asks the network for nothing and runs no script', () => {
    const {document} = new JSDOM(full).window;
    expect(document.querySelectorAll('[src], link, iframe, object, img, video, audio')).toHaveLength(0);
    expect(full.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import/);
    const scripts = [...document.querySelectorAll('script')];
    expect(scripts.map((script) => script.getAttribute('type'))).toEqual(['application/json']);
    expect(full).not.toMatch(/ on\w+=/);
  });

  test('carries the manifest, whatever is in it', () => {
    const {document} = new JSDOM(full).window;
    const manifest: unknown = JSON.parse(document.querySelector('#manifest')!.textContent);
    expect(manifest).toEqual({seed: 1, note: '</script><script>alert(1)</script>'});
    expect(texts(document, 'pre')[0]).toBe('name: <b>one</b>');
  });

  test('is well-formed: a strict reader takes every chart', () => {
    const drawings = full.match(/<svg .*?<\/svg>/gs)!;
    expect(drawings.length).toBeGreaterThan(8);
    const {DOMParser} = new JSDOM('').window;
    for (const svg of drawings) {
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml');
      expect(parsed.querySelector('parsererror')).toBeNull();
    }
  });

  test('shows every policy that ran in every chart, and says why another did not', () => {
    const {document} = new JSDOM(full).window;
    expect(texts(document, '.key:first-of-type li').slice(0, 2)).toEqual(['ooo:lanes=2', 'mps']);
    expect(texts(document, '.problems li')).toEqual([
      'time-slice: does not fit in memory: needs 48.2 of 17.2 GB',
    ]);
    for (const title of [
      'Requests within their SLO',
      'Goodput',
      '99th percentile latency',
      'Use of the GPU',
    ]) {
      const card = [...document.querySelectorAll('.card')].find(
        (each) => each.querySelector('h3')?.textContent === title,
      )!;
      expect(texts(card, '.labels text').toSorted()).toEqual(['mps', 'ooo']);
      expect(card.querySelectorAll('.series')).toHaveLength(2);
    }
  });

  test('finds what a reader should see first', () => {
    const {document} = new JSDOM(full).window;
    const tiles = [...document.querySelectorAll('.tile')].map((tile) =>
      texts(tile, '.name, .value, .note').map((text) => text.replaceAll(/\s+/g, ' ')),
    );
    expect(tiles).toEqual([
      ['Highest load in SLO', 'none', 'no policy meets every SLO at any load', ''],
      ['Most goodput', '1,500 requests/s in time', 'ooo at load 1.5', '16.7 times that of mps'],
      ['Shortest p99', '31.4 ms', 'ooo at load 1', '65 % below mps'],
      ['Most useful work', '31.0 % of peak FLOP/s', 'ooo at load 1.5', '34 % above mps'],
    ]);
  });

  test('has one row in the table for each cell that ran', () => {
    const {document} = new JSDOM(full).window;
    const table = [...document.querySelectorAll('h2')].find(
      (h) => h.textContent === 'All results',
    )!.nextElementSibling!;
    expect(table.querySelectorAll('tbody tr')).toHaveLength(7);
    expect(table.querySelector('td .interval')!.textContent).toMatch(/^ ± /);
  });

  test('shows each tenant under each policy, blue where its SLO is met', () => {
    const {document} = new JSDOM(full).window;
    const map = document.querySelector('svg[aria-label="SLO attainment by tenant and policy"]')!;
    const titles = texts(map, 'rect > title');
    expect(titles).toHaveLength(2 * 3);
    expect(titles[0]).toMatch(/^chat\/0 under ooo: /);
  });
});

test('results of one load are bars', () => {
  const document = pageOf(report([cell('ooo', 1), cell('mps', 1, {saturated: true, goodput_per_s: 100})]));
  const goodput = document.querySelector('svg[aria-label="Goodput by policy"]')!;
  expect(goodput.querySelectorAll('rect')).toHaveLength(2);
  expect(texts(document.querySelector('svg[aria-label="p99 latency by policy"]')!, 'text')).toContain(
    'backlog grows',
  );
});

test('results without a load axis have no load in their words', () => {
  const results = [{...cell('ooo', 1), load: null}];
  expect(htmlReport(report(results))).not.toMatch(/at load|load<\/th>/);
});

test('a report of nothing that ran still says why', () => {
  const document = pageOf(
    report([{policy: 'mps', load: 1, replications: [], aggregate: null, error: 'mps does not fit'}]),
  );
  expect(texts(document, '.problems li')).toEqual(['mps at load 1: does not fit']);
  expect(document.querySelectorAll('.cards svg')).toHaveLength(0);
});

test('a report without findings is as well built as one with', () => {
  const results = [cell('ooo', 1, {goodput_per_s: 0, gpu_utilisation: null, saturated: true})];
  for (const html of [htmlReport(report(results)), htmlReport(report([]))]) {
    const main = new JSDOM(html).window.document.querySelector('main')!;
    expect(main.querySelectorAll('div footer, ul footer, footer footer')).toHaveLength(0);
    expect(main.querySelectorAll('footer')).toHaveLength(1);
    expect(html).not.toMatch(/<(?!line|meta|path|rect)\w+[^>]*\/>/);
  }
});

test('names from a scenario are text, not markup', () => {
  const evil = '<img src=x onerror=alert(1)>';
  const html = htmlReport(report([cell(evil, 0.5), cell(evil, 1)], {title: evil, facts: [[evil, evil]]}));
  expect(html).not.toContain('<img');
});

test('more devices are no merit: findings are among the policies on the fewest', () => {
  const document = pageOf(report([cell('ooo', 1), cell('exclusive', 1, {gpus: 3, goodput_per_s: 9000})]));
  expect(texts(document, '.tile strong')).not.toContain('exclusive');
  expect(texts(document, '.key li')).toContain('exclusive on 3 GPUs');
});

test('policies of one name are told apart by their parameters', () => {
  const document = pageOf(report([cell('ooo:lanes=1', 1), cell('ooo:lanes=4', 1)]));
  expect(texts(document.querySelector('svg[aria-label="Goodput by policy"]')!, 'text')).toEqual(
    expect.arrayContaining(['ooo:lanes=1', 'ooo:lanes=4']),
  );
});
