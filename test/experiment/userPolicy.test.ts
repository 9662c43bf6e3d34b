// How policy modules are named inside a policy's text; loading them is tested by the program (test/cli).
import {describe, expect, test} from 'vitest';
import {findAnyPolicy, modulesOf} from '../../src/experiment/userPolicy.ts';

describe('modulesOf', () => {
  test.each([
    ['ooo', []],
    ['ooo:lanes=4,max-size=2', []],
    ['mine.ts', ['mine.ts']],
    ['./mine.ts:lanes=4', ['./mine.ts']],
    ['../a b/../x.mjs', ['b/../x.mjs']],
    ['evict(./mine.ts:lanes=2):action=drop', ['./mine.ts']],
    ['evict:policy=/abs/dir.ts/mine.js,action=drop', ['/abs/dir.ts/mine.js']],
    ['mine.tsx', []],
  ])('of %j', (text, modules) => {
    expect(modulesOf(text)).toEqual(modules);
  });
});

describe('findAnyPolicy', () => {
  test('finds those of the table', async () => {
    const {definition, parameters} = await findAnyPolicy('evict(slo:lanes=3)', '.');
    expect(definition.name).toBe('evict');
    expect(parameters['policy']).toBe('slo:lanes=3');
  });

  test('suggests the name that was meant', async () => {
    await expect(findAnyPolicy('greddy', '.')).rejects.toThrow(
      'unknown policy: "greddy"; did you mean "greedy"?',
    );
    await expect(findAnyPolicy('evict(sloo)', '.')).rejects.toThrow('did you mean "slo"?');
  });
});
