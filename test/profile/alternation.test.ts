// Two tiles in turns: which blocks are whose, and where the turns end.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {Alternation} from '../../src/profile/alternation.ts';

const wave = 320;

function lookAt(blocks: number): Pick<Alternation, 'isFull' | 'since' | 'until'> {
  const alternation = new Alternation(wave);
  alternation.lookAt(blocks);
  const {isFull, since, until} = alternation;
  return {isFull, since, until};
}

describe('of waves of 320 blocks', () => {
  test('the other tile’s are those that fill (w + 1) / (w + 2) of w, w odd', () => {
    const starts = [1, 2, 3, 4, 5].map((wave5) => {
      let blocks = 1 + 2 * wave * (wave5 - 1);
      while (!lookAt(blocks).isFull) blocks++;
      return blocks;
    });
    // 2 2/3, 9 3/5, 17 1/7, 24 8/9 and 32 8/11 blocks on each of 80 SMs.
    expect(starts).toEqual([214, 768, 1372, 1992, 2619]);
    for (const w of [1, 3, 5]) {
      expect(lookAt(w * wave).isFull).toBe(true);
      expect(lookAt(w * wave + 1).isFull).toBe(false);
      expect(lookAt((w + 1) * wave).isFull).toBe(false);
    }
  });

  test('a turn lasts since where the one before ended, and until the next begins', () => {
    expect(lookAt(100)).toEqual({isFull: false, since: 0, until: 640 / 3});
    expect(lookAt(300)).toEqual({isFull: true, since: 640 / 3, until: 320});
    expect(lookAt(700)).toEqual({isFull: false, since: 320, until: 768});
    expect(lookAt(960)).toEqual({isFull: true, since: 768, until: 960});
  });

  test.prop([fc.integer({min: 1, max: 1e6})])('every launch lies between the ends of its turn', (blocks) => {
    const {isFull, since, until} = lookAt(blocks);
    expect(blocks).toBeGreaterThanOrEqual(since);
    expect(blocks).toBeLessThanOrEqual(Math.ceil(until));
    expect(lookAt(Math.max(1, Math.floor(until + 1))).isFull).toBe(!isFull);
  });
});
