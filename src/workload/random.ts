import seedrandom from 'seedrandom';

/** A source of uniform numbers in [0, 1), as d3's `randomX.source(random)` takes it. */
export type Random = () => number;

/**
 * The random stream of a name, e.g. `stream(7, 'tenant/chat/arrivals')`. Streams are independent: adding, removing or
 * drawing from one leaves every other as it is. The seeds 1 and '1' are the same seed.
 */
export function stream(seed: number | string, name: string): Random {
  return seedrandom.alea(hash128(JSON.stringify([String(seed), name])));
}

/**
 * 128 bits of MurmurHash3's mixing over the UTF-16 units of a text, as hexadecimal. Consecutive seeds of many generators
 * give correlated numbers; hashed ones are unlike their neighbours whatever the generator's own seeding does.
 */
function hash128(text: string): string {
  let words = '';
  for (let lane = 1; lane <= 4; lane++) {
    let h = Math.imul(lane, 0x9e3779b9);
    for (let i = 0; i < text.length; i++) {
      let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
      k = (k << 15) | (k >>> 17);
      h ^= Math.imul(k, 0x1b873593);
      h = (h << 13) | (h >>> 19);
      h = (Math.imul(h, 5) + 0xe6546b64) | 0;
    }
    h ^= text.length;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    words += ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0');
  }
  return words;
}
