// The README's commands exist with the options that it shows, and its example policy is the one in scenarios/.
import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {commands} from '../../src/cli/commands.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const lines = [...readme.matchAll(/^npx superkernel (.*?)\s*(?:#.*)?$/gm)].map(([, line]) =>
  line.split(/\s+/),
);

test('every command of the README exists with the options that it shows', () => {
  expect(lines.length).toBeGreaterThan(8);
  for (const [name, ...rest] of lines) {
    const command = commands.find((each) => each.command.split(' ')[0] === name);
    expect(command, name).toBeDefined();
    for (const word of rest.filter((word) => word.startsWith('--'))) {
      expect(Object.keys(command!.options), `${name} ${word}`).toContain(word.slice(2));
    }
  }
});

test('the policy of the README is the example in scenarios', () => {
  const example = readFileSync(new URL('../../scenarios/policies/mine.ts', import.meta.url), 'utf8');
  expect(readme).toContain(example.trim());
});
