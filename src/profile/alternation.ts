// Which of two tiles a library takes by counting waves, where both cut C into equally many blocks.

/**
 * Two tiles in turns. cuBLAS on a V100 counts waves of four blocks per SM, whichever the tile. In even waves it takes the
 * usual tile; in odd ones, of which the w-th is the launch's last, the other where the launch fills at least
 * (w + 1) / (w + 2) of w waves: from 2 2/3 to 4 blocks per SM, 9 3/5 to 12, 17 1/7 to 20 and so on, far beyond 1,000. Of
 * 2,841 launches of NeuSight's that the V100 was fitted on eleven differ, nine of which fill even waves to the last block.
 */
export class Alternation {
  private readonly waveBlocks: number;
  /** Whether it is the other tile's turn in the launch looked at. */
  isFull = false;
  /** Blocks of the launch up to which the turn before lasted; 0: there was none. */
  since = 0;
  /** Blocks from which on the next turn lasts. */
  until = 0;

  /** @param waveBlocks blocks of one wave on all SMs, as the library counts them */
  constructor(waveBlocks: number) {
    this.waveBlocks = waveBlocks;
  }

  /** Looks at a launch of so many blocks. */
  lookAt(blocks: number): void {
    const {waveBlocks} = this;
    const waves = Math.ceil(blocks / waveBlocks);
    const odd = waves % 2 === 1 ? waves : waves + 1;
    // Of the odd wave that the launch ends in, or ends before.
    const begin = (waveBlocks * odd * (odd + 1)) / (odd + 2);
    this.isFull = waves === odd && blocks >= begin;
    this.since = this.isFull ? begin : waveBlocks * Math.max(0, odd - 2);
    this.until = this.isFull ? waveBlocks * odd : begin;
  }
}
