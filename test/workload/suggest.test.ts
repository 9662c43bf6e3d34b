// Did-you-mean: edit distance and what counts as near.

import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {editDistance, suggest} from '../../src/workload/suggest.ts';

describe('suggest', () => {
  const known = ['resnet-50', 'resnet-101', 'vgg-16', 'bert-base-128', 'bert-base-384'];

  test('finds the known word of a slip of the finger', () => {
    expect(suggest('resnet50', known)).toBe('resnet-50');
    expect(suggest('VGG-16', known)).toBe('vgg-16');
    expect(suggest('wieght', ['rate', 'weight'])).toBe('weight');
  });

  test('completes a word that was begun', () => {
    expect(suggest('bert', known)).toBe('bert-base-128');
    expect(suggest('v', known)).toBe('vgg-16');
  });

  test('says nothing where nothing is near', () => {
    expect(suggest('gpt-2', known)).toBeUndefined();
    expect(suggest('', known)).toBeUndefined();
    expect(suggest('x', ['m', 'n'])).toBeUndefined();
    expect(suggest('anything', [])).toBeUndefined();
  });

  test('prefers the earlier of two equally near words', () => {
    expect(suggest('bat', ['cat', 'rat'])).toBe('cat');
    expect(suggest('bat', ['rat', 'cat'])).toBe('rat');
  });

  test.prop([fc.array(fc.string({minLength: 1}), {minLength: 1}), fc.nat()])(
    'finds a known word itself',
    (words, i) => {
      const word = words[i % words.length];
      expect(suggest(word, words)!.toLowerCase()).toBe(word.toLowerCase());
    },
  );
});

describe('editDistance', () => {
  test('counts insertions, deletions and substitutions', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('flaw', 'lawn')).toBe(2);
  });

  test.prop([fc.string(), fc.string(), fc.string()])('is a metric', (a, b, c) => {
    expect(editDistance(a, b)).toBe(editDistance(b, a));
    expect(editDistance(a, b) === 0).toBe(a === b);
    expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
  });
});
