// Waves of blocks in the V100's published times, and in what the profile predicts of the same launches.
import {existsSync, readFileSync} from 'node:fs';
import {gunzipSync} from 'node:zlib';
import {median} from 'd3';
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {conditionsOf, shownNs} from '../../src/profile/conditions.ts';
import {gemmModelOf} from '../../src/profile/gemmModel.ts';
import type {GemmModel, LaunchKind} from '../../src/profile/gemmModel.ts';
import type {Measurement} from '../../src/profile/measurement.ts';
import type {Tile} from '../../src/profile/profile.ts';
import {readGemmTable} from '../../src/profile/readMeasurements.ts';

const table = new URL('../../../shared/data/profiles/v100_gemm_fp32.csv.gz', import.meta.url);
const profile = readProfile('v100');
const terms = profile.gemm.fp32!;
const sms = profile.hardware.sms.value;
const fmaPerNs = (64 * terms.clock_mhz) / 1000;

/** Medians by the blocks of the fullest SM, in the time that one block's step in k takes a whole SM at its peak. */
interface Stairs {
  readonly rows: number;
  readonly measured: number;
  readonly predicted: number;
}

/**
 * The launches of one tile in a single part, of at least 256 steps in k and 64 rows and columns: less launch and host, by
 * the steps in k, so that what remains is how many blocks run and how they share an SM.
 */
function stairs(
  rows: readonly Measurement[],
  kind: Exclude<LaunchKind, 'grouped'>,
  name: string,
  predict: (model: GemmModel, tile: Tile, row: Measurement) => number,
): Map<number, Stairs> {
  const model = gemmModelOf(profile, 'fp32', terms.clock_mhz);
  const tile = terms[kind].tiles.find((each) => each.name === name)!;
  const {launch_ns} = terms[kind];
  const hostNs = profile.sources['neusight'].host_ns![kind]!;
  const unit = (tile.rows * tile.columns) / fmaPerNs;
  const steps: {measured: number[]; predicted: number[]}[] = [];
  for (const row of rows) {
    if (row.method !== (kind === 'single' ? 'single' : 'strided')) continue;
    if (row.isUpperBound || row.tile !== name || row.splits !== 1) continue;
    if (row.k < 256 || Math.min(row.m, row.n) < 64) continue;
    const blocks = row.batch * Math.ceil(row.m / tile.rows) * Math.ceil(row.n / tile.columns);
    const step = (steps[Math.ceil(blocks / sms)] ??= {measured: [], predicted: []});
    const inUnits = (ns: number): number => (ns - hostNs - launch_ns) / (8 * Math.ceil(row.k / 8)) / unit;
    step.measured.push(inUnits(row.ns));
    step.predicted.push(inUnits(shownNs(predict(model, tile, row), conditionsOf(profile, row), row)));
  }
  return new Map(
    steps.flatMap(({measured, predicted}, perSm): [number, Stairs][] => [
      [
        perSm,
        {
          rows: measured.length,
          measured: median(measured)!,
          predicted: median(predicted)!,
        },
      ],
    ]),
  );
}

/** After how many blocks per SM one more lengthens the launch by more than a whole block's time. */
const rises = (
  all: Map<number, Stairs>,
  value: 'measured' | 'predicted',
  from: number,
  to: number,
): number[] =>
  Array.from({length: to - from}, (_, i) => from + i).filter(
    (perSm) => all.get(perSm + 1)![value] - all.get(perSm)![value] > 1,
  );

describe.skipIf(!existsSync(table))(
  'V100 waves (needs the published measurements in ../shared/data/profiles)',
  () => {
    const rows = existsSync(table)
      ? readGemmTable(gunzipSync(readFileSync(table)).toString()).filter(({source}) => source === 'neusight')
      : [];

    test('batches of 64x64 tiles: two blocks on an SM take as long as four, six as long as eight', () => {
      const all = stairs(rows, 'batched', '64x64', (model, tile, row) =>
        model.tileNs(terms.batched, tile, 1, row),
      );
      expect(rises(all, 'measured', 2, 10)).toEqual([4, 5, 8, 9]);
      expect(rises(all, 'predicted', 2, 10)).toEqual([4, 5, 8, 9]);
      for (const [perSm, {rows: count, measured, predicted}] of all) {
        if (perSm > 16 || count < 10) continue;
        expect(Math.abs(predicted / measured - 1), `${perSm} blocks per SM`).toBeLessThan(0.1);
      }
    });

    test('blocks that spread evenly over the SM would not: the steps are those of two warps on four schedulers', () => {
      const even = stairs(rows, 'batched', '64x64', (model, {warps: _, ...tile}, row) =>
        model.tileNs(terms.batched, tile, 1, row),
      );
      const {measured, predicted} = even.get(2)!;
      expect(predicted / measured).toBeLessThan(0.8);
    });

    test('single launches of 128x64 tiles, four to an SM: each step within 10 %, as the model chooses', () => {
      const all = stairs(rows, 'single', '128x64', (model, _, row) => model.singleNs(row));
      const known = [...all].filter(([perSm, {rows: count}]) => perSm <= 16 && count >= 10);
      expect(known.length).toBeGreaterThan(8);
      for (const [perSm, {measured, predicted}] of known) {
        expect(Math.abs(predicted / measured - 1), `${perSm} blocks per SM`).toBeLessThan(0.1);
      }
    });
  },
);
