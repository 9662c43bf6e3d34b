import type {CellResult} from '../metrics/result.ts';
import {drawing, element, escape, translate} from './charts/svg.ts';
import {clusterChart} from './clusters.ts';
import type {ShapePoint} from './clusters.ts';
import {formatShort} from './format.ts';
import {barCards} from './html/barCards.ts';
import {htmlCard} from './html/card.ts';
import type {Card} from './html/card.ts';
import {latencyCard, sizeCard, tellingLoad, tenantCard} from './html/detailCards.ts';
import {findings, ranCells} from './html/findings.ts';
import type {Finding} from './html/findings.ts';
import {htmlTable} from './html/htmlTable.ts';
import {loadCards} from './html/loadCharts.ts';
import {shownPolicies} from './html/policies.ts';
import type {ShownPolicy} from './html/policies.ts';
import {styleSheet} from './html/styleSheet.ts';
import {problemOf, summaryRows, summaryTable, tenantTable} from './summaryTable.ts';
import type {Naming} from './summaryTable.ts';

/** What a report is made of. */
export interface Report {
  readonly title: string;
  readonly description?: string;
  /** What was run, in a few words each, e.g. `['device', 'V100 (simulated)']`. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** The cells of a sweep, policy by policy. */
  readonly results: readonly CellResult[];
  readonly naming?: Naming;
  /** The scenario as its author wrote it. */
  readonly scenario?: string;
  /** What repeats the run; JSON-ready. */
  readonly manifest?: object;
  /** The GEMMs of the models, to show which could share a launch. */
  readonly shapes?: readonly ShapePoint[];
}

/**
 * A report as one HTML file: no script is needed to read it, nothing is fetched, and it prints. The manifest is inside,
 * as `<script type="application/json" id="manifest">`.
 */
export function htmlReport(report: Report): string {
  const {title, results, naming = {}} = report;
  const policies = shownPolicies(results);
  const cards = [
    ...overviewCards(results, policies, naming),
    latencyCard(results, policies),
    sizeCard(results, policies),
    tenantCard(results, policies),
    report.shapes === undefined || report.shapes.length === 0 ? null : shapeCard(report.shapes),
  ].filter((card) => card !== null);
  const body = [
    header(report),
    element('div', {class: 'tiles'}, ...findings(results, (policy) => nameOf(policies, policy)).map(tile)),
    element('h2', {}, 'Policies compared'),
    key(policies, results),
    element('div', {class: 'cards'}, ...cards.map(htmlCard)),
    element('h2', {}, 'All results'),
    resultTable(results, policies, naming),
    ...tenantDetails(results),
    ...provenance(report),
    footer(),
  ];
  const head = [
    element('meta', {charset: 'utf-8'}),
    element('meta', {name: 'viewport', content: 'width=device-width, initial-scale=1'}),
    element('title', {}, escape(title)),
    element('style', {}, styleSheet),
  ];
  return `<!doctype html>\n${element('html', {lang: 'en'}, element('head', {}, ...head), element('body', {}, element('main', {}, ...body)))}\n`;
}

/** Lines over the load, or bars where there is one load only. */
function overviewCards(
  results: readonly CellResult[],
  policies: readonly ShownPolicy[],
  naming: Naming,
): Card[] {
  const loads = new Set(ranCells(results).map((cell) => cell.load));
  if (loads.size === 0) return [];
  return loads.size > 1 ? loadCards(results, policies, naming) : barCards(results, policies);
}

function header({title, description, facts}: Report): string {
  return element(
    'header',
    {},
    element('p', {class: 'eyebrow'}, 'Superkernel report'),
    element('h1', {}, escape(title)),
    description === undefined ? '' : element('p', {class: 'lede'}, escape(description)),
    element(
      'dl',
      {class: 'facts'},
      ...facts.map(([name, value]) =>
        element('div', {}, element('dt', {}, escape(name)), element('dd', {}, escape(value))),
      ),
    ),
  );
}

function tile({name, value, unit, policy, where, note}: Finding): string {
  return element(
    'div',
    {class: 'tile'},
    element('div', {class: 'name'}, escape(name)),
    element('div', {class: 'value'}, escape(value), ' ', element('small', {}, escape(unit))),
    element('div', {class: 'note'}, element('strong', {}, escape(policy)), ` ${escape(where)}`),
    element('div', {class: 'note'}, note === '' ? '&nbsp;' : escape(note)),
  );
}

/** The policies with their colours and shapes; below them, why others did not run. */
function key(policies: readonly ShownPolicy[], results: readonly CellResult[]): string {
  const items = policies.map(({policy, name, look}) => {
    const mark = drawing(
      {width: 26, height: 14, title: name},
      element('path', {
        d: 'M0,7H26',
        stroke: look.colour,
        'stroke-width': 2,
        'stroke-dasharray': look.dashes,
      }),
      element('path', {d: look.point, transform: translate(13, 7), fill: look.colour}),
    );
    const gpus = results.find((result) => result.policy === policy && result.aggregate !== null)?.aggregate
      ?.gpus;
    const note = gpus === undefined || gpus === 1 ? '' : element('em', {}, ` on ${gpus} GPUs`);
    return element('li', {}, mark, element('span', {}, escape(policy), note));
  });
  const problems = summaryRows(results)
    .filter((result) => result.aggregate === null)
    .map(({policy, load, error}) => {
      const where = load === null ? '' : ` at load ${formatShort(load)}`;
      return element('li', {}, `${escape(policy + where)}: ${escape(problemOf(policy, error))}`);
    });
  return (
    element('ul', {class: 'key'}, ...items) +
    (problems.length === 0 ? '' : element('ul', {class: 'notes problems'}, ...problems))
  );
}

function resultTable(
  results: readonly CellResult[],
  policies: readonly ShownPolicy[],
  naming: Naming,
): string {
  const table = summaryTable(results, naming);
  const shown = summaryRows(results);
  const card = htmlTable(table, (row) => {
    const {policy} = shown[row];
    const look = policies.find((each) => each.policy === policy)?.look;
    return {
      first: row > 0 && shown[row - 1].policy !== policy,
      ...(look === undefined ? {} : {dot: look.colour}),
    };
  });
  return element('div', {class: 'card'}, card);
}

/** Every policy's tenants at the load where the policies differ most, folded. */
function tenantDetails(results: readonly CellResult[]): string[] {
  const cells = ranCells(results);
  const load = tellingLoad(cells);
  return cells
    .filter((cell) => cell.load === load)
    .map((cell) =>
      element(
        'details',
        {},
        element(
          'summary',
          {},
          `Tenants under ${escape(cell.policy)}${load === null ? '' : ` at load ${formatShort(load)}`}`,
        ),
        element('div', {class: 'card'}, htmlTable(tenantTable(cell))),
      ),
    );
}

function provenance({scenario, manifest}: Report): string[] {
  if (scenario === undefined && manifest === undefined) return [];
  const parts = [element('h2', {}, 'How to repeat it')];
  if (scenario !== undefined)
    parts.push(
      element('details', {}, element('summary', {}, 'Scenario'), element('pre', {}, escape(scenario))),
    );
  if (manifest !== undefined) {
    const json = JSON.stringify(manifest, null, 2);
    parts.push(
      element('details', {}, element('summary', {}, 'Manifest'), element('pre', {}, escape(json))),
      // Inside a script only `<` could end it, and JSON can write it otherwise.
      `<script type="application/json" id="manifest">${json.replaceAll('<', '\\u003c')}</script>`,
    );
  }
  return parts;
}

function shapeCard(shapes: readonly ShapePoint[]): Card {
  return {
    title: 'GEMM shapes of the models',
    text: 'Kernels that lie together can share a launch with little padding; outlines are clusters.',
    chart: clusterChart(shapes, {width: 1100, height: 420}),
    wide: true,
  };
}

function footer(): string {
  return element(
    'footer',
    {},
    element(
      'p',
      {},
      'Latency counts from the intended arrival. Percentiles follow the R-7 rule and are left out with fewer than 10 / (1 − p) requests. ' +
        'Intervals are Student’s t over replications with independent seeds; policies meet the same arrivals and are compared pair by pair. ' +
        'Dropped requests, and unfinished ones past their deadline, count as missed.',
    ),
  );
}

function nameOf(policies: readonly ShownPolicy[], policy: string): string {
  return policies.find((each) => each.policy === policy)?.name ?? policy;
}
