// Who uses which pair of activations: nobody two at once, and first those for which most is recorded.
import {expect, test} from 'vitest';
import {ActivationPairs} from '../../src/gpu/activationPairs.ts';

test('a tenant goes back to the pair that was reserved for it first', () => {
  const pairs = new ActivationPairs(8);
  const [first, second, third] = [pairs.reserve(0), pairs.reserve(0), pairs.reserve(0)];
  // Three streams at once; the one on the first pair ends first, and the last one's pair is given back last.
  expect([0, 1, 2].map((slot) => pairs.of(slot, 0))).toEqual([first, second, third]);
  for (const slot of [0, 1, 2]) pairs.release(slot);
  expect(pairs.of(2, 0)).toBe(first);
  expect(pairs.of(0, 0)).toBe(second);
  pairs.release(2);
  expect(pairs.of(1, 0)).toBe(first);
  expect([0, 1].map((slot) => pairs.isOwn(slot))).toEqual([true, true]);
});

test('a tenant without a pair takes one that nobody uses, and shares one where there is none', () => {
  const pairs = new ActivationPairs(2);
  pairs.reserve(0);
  pairs.reserve(0);
  expect(pairs.reserve(0)).toBe(-1);
  const taken = [pairs.of(0, 1), pairs.of(1, 2)];
  expect(new Set(taken)).toEqual(new Set([0, 1]));
  pairs.of(2, 3);
  expect([0, 1, 2].map((slot) => pairs.isOwn(slot))).toEqual([true, true, false]);
});

test('after a crowd every tenant has the pairs again that were reserved for it', () => {
  const pairs = new ActivationPairs(6);
  const reserved = [0, 1, 2].map((tenant) => [pairs.reserve(tenant), pairs.reserve(tenant)]);
  // One tenant after the other has all: of another's the one goes first on which least is recorded.
  for (const tenant of [2, 0, 1]) {
    const others = reserved.filter((_, other) => other !== tenant);
    const taken = [0, 1, 2, 3, 4, 5].map((slot) => pairs.of(slot, tenant));
    expect(taken).toEqual([...reserved[tenant], ...others.flatMap((of) => of.toReversed())]);
    if (tenant === 0) pairs.releaseAll();
    else for (const slot of [3, 1, 5, 0, 2, 4]) pairs.release(slot);
  }
  expect([0, 1, 2].map((tenant) => pairs.of(tenant, tenant))).toEqual(reserved.map(([first]) => first));
});

test('pairs that were not reserved are nobody’s again when all requests are over', () => {
  const pairs = new ActivationPairs(4);
  const reserved = pairs.reserve(0);
  const crowd = (tenant: number): number[] => [0, 1, 2, 3].map((slot) => pairs.of(slot, tenant));
  const first = crowd(0);
  pairs.releaseAll();
  const others = crowd(1);
  // What is new to everybody first, and the other's last.
  expect(others).toEqual([...first.filter((pair) => pair !== reserved), reserved]);
  pairs.releaseAll();
  expect(crowd(0)).toEqual(first);
});
