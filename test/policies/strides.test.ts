// Which programs keep their launches in strides, by what was planned for them.
import {expect, test} from 'vitest';
import {Strides, stride} from '../../src/policies/strides.ts';

/** Plans so many launches of a program, each `every`th of them one step long. */
function plan(of: Strides, launches: number, every: number, program = 0): void {
  for (let i = 1; i <= launches; i++) of.planned(program, i % every === 0 ? 1 : stride);
}

test('a program goes in strides once nearly all of its launches are planned so long, and others do not', () => {
  const strides = new Strides(2);
  expect(strides.has(0)).toBe(false);
  plan(strides, 300, 4);
  expect(strides.has(0)).toBe(false);
  plan(strides, 300, 20);
  expect(strides.has(0)).toBe(true);
  expect(strides.has(1)).toBe(false);
});

test('it does no more when many are planned shorter, and as before where it is some', () => {
  const strides = new Strides(1);
  plan(strides, 300, 7);
  expect(strides.has(0)).toBe(false);
  plan(strides, 300, 20);
  plan(strides, 300, 7);
  expect(strides.has(0)).toBe(true);
  plan(strides, 300, 2);
  expect(strides.has(0)).toBe(false);
});
