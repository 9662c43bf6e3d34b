// Policies of the user's own, as TypeScript and JavaScript, loaded by worker threads of the compiled program.
import {describe, expect, test} from 'vitest';
import {inRepository, workplace} from './commandLine.ts';

const place = workplace({threads: true});

/** A module whose policy does `decide`, and nothing else. */
const policyOf = (decide: string, more = ''): string => `
import {definePolicy, z, type Situation} from 'superkernel';
export default definePolicy({
  name: 'mine',
  summary: 'a test',
  source: 'a test',
  parameters: z.strictObject({lanes: z.int().min(1).default(1).describe('lanes to use')}),
  create: (parameters) => ({
    name: 'mine',
    setup: {lanes: parameters.lanes},
    ${more}
    decide(situation: Situation): void { ${decide} },
  }),
});
`;

const oneByOne = `
  const {ready, lanes} = situation;
  for (let lane: number = lanes.idle(); lane >= 0 && ready.nonEmptyCount > 0; lane = lanes.idle()) {
    situation.take(ready.first(ready.nonEmpty[0]));
    situation.launch(lane);
  }`;

const simulate = (policy: string, ...more: string[]) =>
  place.run(['simulate', 'small.yaml', '--policy', policy, '--no-report', '--replications', '1', ...more]);

describe('a policy module', () => {
  test('may be TypeScript, anywhere, with parameters', async () => {
    place.write('policies/mine.ts', policyOf(oneByOne));
    const {code, stdout, stderr} = await simulate('./policies/mine.ts:lanes=3');
    expect(stderr).not.toContain('superkernel: ');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\.\/policies\/mine\.ts:lanes=3 +0\.5 .*100/m);
  });

  test('may be JavaScript that imports what is beside it', async () => {
    place.write('policies/name.mjs', `export const name = 'plain';`);
    place.write(
      'policies/plain.mjs',
      `import {z} from 'zod';
       import {name} from './name.mjs';
       export default {
         name, parameters: z.strictObject({}),
         create: () => ({name, decide(situation) {${oneByOne.replace(': number', '')}}}),
       };`,
    );
    const {code, stdout} = await simulate('policies/plain.mjs');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^policies\/plain\.mjs|^\.\/policies\/plain\.mjs/m);
  });

  test('may be inside another policy', async () => {
    place.write('inside.ts', policyOf(oneByOne));
    const {code, stdout} = await simulate('evict(./inside.ts:lanes=2):patience=3');
    expect(code).toBe(0);
    expect(stdout).toContain('evict(./inside.ts:lanes=2):patience=3');
  });

  test('is found from the scenario where that names it, and from the working directory where a flag does', async () => {
    place.write('deep/mine.ts', policyOf(oneByOne));
    place.write('deep/own.yaml', place.read('small.yaml').replace('[greedy, streams]', "['./mine.ts']"));
    const fromScenario = await place.run(['simulate', 'deep/own.yaml', '--no-report']);
    const fromFlag = await place.run([
      'simulate',
      'deep/own.yaml',
      '--no-report',
      '--policy',
      'deep/mine.ts',
    ]);
    expect(fromScenario.stdout).toMatch(/^\.\/mine\.ts/m);
    expect(fromFlag.stdout).toBe(fromScenario.stdout);
  });

  test('that fails ends the run, which says how the other policies run', async () => {
    place.write('fails.ts', policyOf('null.x;'));
    const {code, stderr} = await simulate('./fails.ts', '--policy', 'streams', '--quiet');
    expect(stderr).toMatch(/^superkernel: policy mine threw in decide [^\n]*; the others run where this policy is left out\n$/);
    expect(code).toBe(1);
  }); // prettier-ignore

  test('that changes gives another result', async () => {
    place.write('edited.ts', policyOf(oneByOne));
    await simulate('./edited.ts', '--output', 'edited');
    place.write('edited.ts', policyOf(`${oneByOne} /* changed */`));
    await simulate('./edited.ts', '--output', 'edited');
    expect(place.files('edited')).toHaveLength(2);
  });

  test('of the examples runs as it is', async () => {
    const {code, stderr} = await simulate(inRepository('scenarios/policies/mine.ts'), '--quiet');
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
  });
});

const broken: readonly (readonly [what: string, module: string, code: number, message: RegExp])[] = [
  ['has no default export', 'export const x = 1;', 2, /^invalid policy module \.\/broken\d+\.ts: no default export \(expected "export default definePolicy/],
  ['exports something else', 'export default 3;', 2, /its default export is a number/],
  ['has no create', `import {z} from 'superkernel'; export default {name: 'mine', parameters: z.strictObject({})};`, 2, /it has no function "create"/],
  ['has no parameters', `export default {name: 'mine', create() {}};`, 2, /its parameters are no z.strictObject/],
  ['throws on import', `throw new Error('not today');`, 2, /^cannot load policy \.\/broken\d+\.ts: not today/],
  ['has a syntax error', 'const x: = 3;', 2, /^cannot load policy .*broken\d+\.ts:1:10: /],
  ['uses what strip-only cannot take out', 'enum A {b}\nexport default A;', 2, /enum is not supported in strip-only mode/],
  ['imports a type as a value', `import {Situation} from 'superkernel'; export default 1 as Situation;`, 2, /a type needs "import type \{Situation\}"/],
  ['throws in decide', policyOf('null.x;'), 1, /^policy mine threw in decide at decision 1, 0s: .*\(.*broken\d+\.ts:\d+:\d+\)$/],
  ['throws in create', policyOf('').replace("name: 'mine',\n    setup", "name: missing,\n    setup"), 1, /^policy mine threw in create: missing is not defined/],
  ['takes what is not ready', policyOf('situation.take(99);'), 1, /^policy mine .*99.*decision \d+/],
  ['takes without launching', policyOf('const {ready} = situation; if (ready.nonEmptyCount > 0) situation.take(ready.first(ready.nonEmpty[0]));'), 1, /^policy mine took 1 kernels without launching them \(decision \d+, at \d+ ns\)/],
  ['does nothing', policyOf(''), 1, /^policy mine left \d+ requests waiting with nothing in flight and no timer set/],
  ['asks for lanes that cannot be', policyOf('').replace('lanes: parameters.lanes', 'lanes: -1'), 1, /^policy mine has an invalid setup: lanes: /],
]; // prettier-ignore

describe('a policy module that', () => {
  test.each(broken.map((each, i) => [...each, i] as const))(
    '%s is told so',
    async (_, module, code, message, i) => {
      // Node remembers modules by their path.
      place.write(`broken${i}.ts`, module);
      const result = await simulate(`./broken${i}.ts`, '--quiet', '--output', 'broken');
      expect(result.stderr).toMatch(/^superkernel: [^\n]*\n$/);
      expect(result.stderr.slice('superkernel: '.length, -1)).toMatch(message);
      expect(result.code).toBe(code);
      expect(place.files('broken')).toEqual([]);
    },
  );
});
