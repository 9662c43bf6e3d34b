// What a policy learns about its host.
import {describe, expect, test} from 'vitest';
import {Reaction} from '../../src/policies/reaction.ts';

describe('the pace of a host', () => {
  const after = (launches: number, ns: number, predictedNs: number): number => {
    const reaction = new Reaction();
    for (let i = 0; i < launches; i++) reaction.released(ns, predictedNs);
    return reaction.pace;
  };

  test('is how many times as long as foreseen it takes to submit', () => {
    expect(after(0, 20_000, 10_000)).toBe(1);
    expect(after(5_000, 20_000, 10_000)).toBeCloseTo(2, 3);
    expect(after(5_000, 8_000, 10_000)).toBeCloseTo(0.8, 3);
  });

  test('is not told by one that took long', () => {
    expect(after(1, 1e9, 10_000)).toBeLessThan(1.01);
  });

  test('is as foreseen where a host costs nothing', () => {
    expect(after(10, 0, 0)).toBe(1);
  });
});
