// Tiles as a look-up likes them.
import type {LaunchTerms, Tile} from './profile.ts';

/** With tiles that have the same properties in the same order: V8 then predicts some 8 % more singles in a second. */
export function alike(launch: LaunchTerms): LaunchTerms {
  const tiles = launch.tiles.map((tile): Tile => ({
    name: tile.name,
    rows: tile.rows,
    columns: tile.columns,
    blocks_per_sm: tile.blocks_per_sm,
    warps: tile.warps,
    step_ns: tile.step_ns,
    l2_step_ns: tile.l2_step_ns,
    dram_step_ns: tile.dram_step_ns,
    scatter: tile.scatter,
    exposed_lines: tile.exposed_lines,
    far: tile.far,
    block_ns: tile.block_ns,
    max_splits: tile.max_splits,
    taken_up_to: tile.taken_up_to,
  }));
  return {...launch, tiles};
}
