// A device profile as tables: its facts with their sources, its errors, and two profiles side by side.
import type {DeviceProfile} from '../../profile/profile.ts';
import type {ProfileCheck} from '../../profile/checkProfile.ts';
import type {ErrorSummary} from '../../profile/profile.ts';
import type {ProfileView} from '../../profile/showProfile.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import {formatNumber, none} from '../format.ts';
import type {Table} from '../table.ts';

/** A number of a profile and where it comes from. */
export interface Fact {
  /** Path in the profile, e.g. `sharing.switch_ns`. */
  readonly name: string;
  readonly value: number;
  /** An id of the profile's sources. */
  readonly source: string;
}

/** Every number of the profile but the kernels' fitted constants and the measured tables. */
export function factsOf(profile: DeviceProfile): Fact[] {
  const {hardware, elementwise, launch, host, contention, sharing} = profile;
  const facts: Fact[] = [];
  const visit = (value: unknown, path: string, inherited: string): void => {
    if (typeof value !== 'object' || value === null) {
      if (typeof value === 'number') facts.push({name: path, value, source: inherited});
      return;
    }
    const own = (value as {source?: unknown}).source;
    const source = typeof own === 'string' ? own : inherited;
    for (const [key, child] of Object.entries(value)) {
      if (key !== 'source') visit(child, key === 'value' ? path : `${path}.${key}`, source);
    }
  };
  for (const [key, value] of Object.entries({hardware, elementwise, launch, host, contention, sharing})) {
    visit(value, key, none);
  }
  return facts;
}

export function factsTable(profile: DeviceProfile): Table {
  const used = new Set(factsOf(profile).map(({source}) => source));
  return {
    columns: [
      {name: 'fact', align: 'left'},
      {name: 'value', align: 'right'},
      {name: 'source', align: 'left'},
    ],
    rows: factsOf(profile).map(({name, value, source}) => ({cells: [name, exactly(value), source]})),
    notes: Object.entries(profile.sources)
      .filter(([id]) => used.has(id))
      .map(([id, {title, library, date, note}]) =>
        [`${id}: ${title}`, library, date, note].filter((part) => part !== undefined).join('; '),
      ),
  };
}

const errorColumns = [
  {name: 'rows', align: 'right'},
  {name: 'median', unit: '%', align: 'right'},
  {name: 'p90', unit: '%', align: 'right'},
  {name: 'bias', unit: '%', align: 'right'},
] as const;

const errorCells = ({rows, median, p90, bias}: ErrorSummary): string[] => [
  formatNumber(rows, 0),
  ...[median, p90, bias].map((share) => formatNumber(100 * share, 1)),
];

/** How far the model is from the measurements that it was fitted on, and from those held back. */
export function residualsTable({residuals, assumptions}: ProfileView): Table {
  return {
    columns: [{name: 'GEMMs', align: 'left'}, ...errorColumns],
    rows: residuals.map((each) => ({cells: [each.group, ...errorCells(each)]})),
    notes: [
      residuals.length === 0
        ? 'The profile does not say how far its model is from measurements: see "superkernel profile check".'
        : 'Relative errors of the model; bias is the median of the signed ones.',
      assumptions.length === 0
        ? 'Every number was measured or published.'
        : `Nobody’s measurement: ${assumptions.join(', ')}.`,
    ],
  };
}

/** Errors on measurements, by source and by region. */
export function checkTable({
  overall,
  bySource,
  byRegion,
  upperBounds,
  hostFloors,
  skipped,
}: ProfileCheck): Table {
  const count = (value: number): string => formatNumber(value, 0);
  return {
    columns: [{name: 'GEMMs', align: 'left'}, ...errorColumns],
    rows: [{group: 'all', ...overall}, ...bySource, ...byRegion].map((each) => ({
      cells: [each.group, ...errorCells(each)],
    })),
    notes: [
      'Relative errors; bias is the median of the signed ones.',
      `Besides, ${count(upperBounds.exceeded)} of ${count(upperBounds.rows)} upper bounds are exceeded; ${count(skipped)} rows are of types that the profile does not know.`,
      ...hostFloors.map(({source, launches, rows, fromNs, toNs}) => {
        const us = (ns: number): string => formatNumber(ns / 1e3);
        return `Of the upper bounds, ${count(rows)} rows of ${source} (${launches}) are at the source’s host floor of ${us(fromNs)} to ${us(toNs)} us, whatever their size.`;
      }),
    ],
  };
}

/** The measurements that a profile misses most. */
export function worstTable({worst}: ProfileCheck): Table {
  return {
    columns: [
      {name: 'worst', align: 'left'},
      {name: 'source', align: 'left'},
      {name: 'kernel', align: 'left'},
      {name: 'measured', unit: 'us', align: 'right'},
      {name: 'predicted', unit: 'us', align: 'right'},
      {name: 'error', unit: '%', align: 'right'},
    ],
    rows: worst.map(({measurement, predictedNs, error, isExtrapolated}) => {
      const {batch: count, m, n, k, dtype, source, kind, ns} = measurement;
      return {
        cells: [
          kernelKey({op: 'gemm', m, n, k, count, dtype}),
          source,
          kind,
          formatNumber(ns / 1e3),
          formatNumber(predictedNs / 1e3) + (isExtrapolated ? '*' : ''),
          formatNumber(100 * error, 1),
        ],
      };
    }),
    notes: worst.some(({isExtrapolated}) => isExtrapolated)
      ? ['* Extrapolated: outside what the profile was fitted on.']
      : [],
  };
}

/** All digits that the profile gives. */
const exactly = (value: number): string =>
  value.toLocaleString('en-US', {maximumSignificantDigits: 15, useGrouping: true});

/** The facts in which two profiles differ. */
export function differencesTable(a: DeviceProfile, b: DeviceProfile): Table {
  const others = new Map(factsOf(b).map((fact) => [fact.name, fact]));
  const rows = factsOf(a).flatMap(({name, value, source}) => {
    const other = others.get(name);
    if (other !== undefined && other.value === value) return [];
    const ratio = other === undefined || value === 0 ? none : formatNumber(other.value / value, 2);
    return [
      {
        cells: [
          name,
          exactly(value),
          other === undefined ? none : exactly(other.value),
          ratio,
          source,
          other?.source ?? none,
        ],
      },
    ];
  });
  return {
    columns: [
      {name: 'fact', align: 'left'},
      {name: a.name, align: 'right'},
      {name: b.name, align: 'right'},
      {name: 'ratio', align: 'right'},
      {name: `source of ${a.name}`, align: 'left'},
      {name: `source of ${b.name}`, align: 'left'},
    ],
    rows,
    notes: rows.length === 0 ? ['No fact differs.'] : [],
  };
}
