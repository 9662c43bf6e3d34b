// The model's choice of tile: bounds leave most tiles out of the search, but never the fastest; two may take turns.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {profileNames, readProfile} from '../../src/experiment/profileFiles.ts';
import {Alternation} from '../../src/profile/alternation.ts';
import {gemmModelOf} from '../../src/profile/gemmModel.ts';
import type {GemmModel} from '../../src/profile/gemmModel.ts';
import type {LaunchTerms, Tile} from '../../src/profile/profile.ts';
import type {Problem} from '../../src/profile/tileTime.ts';

const profiles = new Map(profileNames().map((name) => [name, readProfile(name)]));
const models = new Map([...profiles].map(([name, profile]) => [name, gemmModelOf(profile, 'fp32')]));

/** Splits that the model may look at: they give every SM 1 to 4 blocks, or fill it once or twice. */
function splitsOf(tile: Tile, sms: number, {batch, m, n}: Problem): number[] {
  const blocks = batch * Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns);
  const perSm = [1, 2, 3, 4, tile.blocks_per_sm, 2 * tile.blocks_per_sm];
  const splits = perSm.map((each) => Math.min(tile.max_splits, Math.floor((each * sms) / blocks + 1e-7)));
  return [1, ...splits.filter((each) => each > 1)];
}

const blocksOf = ({rows, columns}: Tile, {m, n}: Problem): number =>
  Math.ceil(m / rows) * Math.ceil(n / columns);

/** The tiles that take turns in a launch of this problem; none: they compete like all others. */
function inTurns({alternation, tiles}: LaunchTerms, problem: Problem): [usual: Tile, full: Tile] | undefined {
  if (alternation === undefined) return undefined;
  const [usual, full] = [alternation.usual, alternation.full].map((name) =>
    tiles.find((t) => t.name === name)!,
  );
  return blocksOf(usual, problem) === blocksOf(full, problem) ? [usual, full] : undefined;
}

/** The time of two tiles in turns: the mean of the curves through the library's that never fall. */
function turnsNs(
  model: GemmModel,
  launch: LaunchTerms,
  [usual, full]: [Tile, Tile],
  sms: number,
  problem: Problem,
): number {
  const alternation = new Alternation(launch.alternation!.wave * sms);
  const each = blocksOf(usual, problem);
  alternation.lookAt(problem.batch * each);
  const {isFull, since, until} = alternation;
  const [own, other] = isFull ? [full, usual] : [usual, full];
  const at = (blocks: number): number =>
    blocks === 0 ? 0 : model.tileNs(launch, other, 1, {...problem, batch: blocks / each});
  const ns = model.tileNs(launch, own, 1, problem);
  return Math.sqrt(Math.max(ns, at(since)) * Math.min(ns, at(until)));
}

/** The least time of all tiles and splits, each worked out. */
function leastNs(model: GemmModel, launch: LaunchTerms, sms: number, problem: Problem): number {
  const {batch, m, n, k} = problem;
  const ways = launch.transposable ? [problem, {batch, m: n, n: m, k}] : [problem];
  const turns = inTurns(launch, problem);
  let least = turns === undefined ? Infinity : turnsNs(model, launch, turns, sms, problem);
  for (const way of ways) {
    for (const tile of launch.tiles) {
      const blocks = batch * Math.ceil(way.m / tile.rows) * Math.ceil(way.n / tile.columns);
      if (turns?.includes(tile) === true) continue;
      if (tile.taken_up_to !== undefined && blocks > tile.taken_up_to * sms) continue;
      for (const splits of splitsOf(tile, sms, way)) {
        least = Math.min(least, model.tileNs(launch, tile, splits, way));
      }
    }
  }
  return least;
}

const side = fc.oneof(fc.integer({min: 1, max: 200}), fc.integer({min: 1, max: 5000}));

describe('for every profile', () => {
  test.prop([
    fc.constantFrom(...models.keys()),
    fc.record({batch: fc.integer({min: 1, max: 300}), m: side, n: side, k: side}),
    fc.constantFrom('single' as const, 'batched' as const),
  ])('a launch takes what the fastest of all tiles takes', (name, problem, kind) => {
    const {gemm, hardware} = profiles.get(name)!;
    const model = models.get(name)!;
    const found = kind === 'single' ? model.singleNs(problem) : model.stridedNs(problem);
    const least = leastNs(model, gemm.fp32![kind], hardware.sms.value, problem);
    expect(found / least).toBeCloseTo(1, 12);
  });

  test.prop([
    fc.constantFrom(...models.keys()),
    fc.record({m: side, n: side, k: side}),
    fc.integer({min: 1, max: 600}),
  ])('no batched launch takes less with one member more', (name, shape, batch) => {
    const model = models.get(name)!;
    const more = model.stridedNs({...shape, batch: batch + 1});
    expect(more / model.stridedNs({...shape, batch})).toBeGreaterThan(1 - 1e-9);
  });

  test.prop([
    fc.constantFrom(...models.keys()),
    fc.array(fc.record({batch: fc.constant(1), m: side, n: side, k: side}), {minLength: 2, maxLength: 6}),
  ])('what was asked before changes no answer', (name, problems) => {
    const used = models.get(name)!;
    const fresh = gemmModelOf(profiles.get(name)!, 'fp32');
    for (const problem of problems) used.singleNs(problem);
    expect(used.singleNs(problems[0])).toBe(fresh.singleNs(problems[0]));
    expect(used.choice(problems[0], 'single')).toEqual(fresh.choice(problems[0], 'single'));
  });
});
