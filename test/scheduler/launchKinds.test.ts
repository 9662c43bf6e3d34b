// How launches share the device, by how many rounds of blocks they take.
import {expect, test} from 'vitest';
import {coalesced, holding, kindOf, single} from '../../src/scheduler/launchKinds.ts';
import {methods} from '../../src/scheduler/kernel.ts';

/** Batches of up to 33 members take one round of blocks, of 34 to 66 two; class 1 takes one whatever its size. */
const costs = {
  durationNs: (cls: number, size: number) => (cls === 0 && size > 33 ? 99 : size > 16 ? 66 : 42),
};
const [one, batched] = ['single', 'batched'].map((method) => methods.indexOf(method as 'single'));

test('a launch of several members holds its place from the second round of blocks on', () => {
  const kinds = [1, 8, 33, 34, 66].map((size) => kindOf(0, size, batched, costs));
  expect(kinds).toEqual([single, coalesced, coalesced, holding, holding]);
  expect(kindOf(1, 66, batched, costs)).toBe(coalesced);
});

test('members one after another hold no place; of several shapes many do, whose rounds nobody knows', () => {
  expect(kindOf(0, 66, one, costs)).toBe(coalesced);
  expect([8, 66].map((size) => kindOf(-1, size, batched, costs))).toEqual([coalesced, holding]);
});
