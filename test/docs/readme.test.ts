// The README's commands exist with the options that it shows, its example policy is the one in scenarios/, and its table is
// what the quickstart prints.
import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {commands} from '../../src/cli/commands.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {inRepository, workplace} from '../cli/commandLine.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const lines = [...readme.matchAll(/^npx superkernel (.*?)\s*(?:#.*)?$/gm)].map(([, line]) =>
  line.split(/\s+/),
);

test('every command of the README exists with the options that it shows', async () => {
  expect(lines.length).toBeGreaterThan(8);
  for (const [name, ...rest] of lines) {
    const command = commands.find((each) => each.command.split(' ')[0] === name);
    expect(command, name).toBeDefined();
    const {options} = await command!.load();
    for (const word of rest.filter((word) => word.startsWith('--'))) {
      expect(Object.keys(options), `${name} ${word}`).toContain(word.slice(2));
    }
  }
});

test('the policy of the README is the example in scenarios', () => {
  const example = readFileSync(new URL('../../scenarios/policies/mine.ts', import.meta.url), 'utf8');
  expect(readme).toContain(example.trim());
});

describe('the quickstart’s table', () => {
  const place = workplace();
  const file = inRepository('scenarios/quickstart.yaml');
  const [, table] = /<!-- quickstart:begin -->\s*```\n(.*?)```\s*<!-- quickstart:end -->/s.exec(readme)!;
  /** Title, header and the rows at some load; how wide columns are depends on the other rows. */
  const linesAt = (text: string, load: RegExp): string[] =>
    text
      .split('\n')
      .filter((line, i) => i < 3 || (line.includes('±') && load.test(line)))
      .map((line) => line.replaceAll(/ +/g, ' '));

  test('has a row for every policy at every load', () => {
    const {policies, loads} = parseScenario(readFileSync(file, 'utf8'), file);
    const rows = linesAt(table, /^\S+ +[\d.]+ /).slice(3);
    expect(rows.map((row) => row.split(' ').slice(0, 2))).toEqual(
      policies.flatMap((policy) => loads!.map((load) => [policy, String(load)])),
    );
  });

  test('is what it prints, at the lowest load', async () => {
    // All loads would take four times as long.
    const {code, stdout} = await place.run(['simulate', file, '--load', '0.4', '--no-report']);
    expect(code).toBe(0);
    expect(linesAt(stdout, /^\S+ +0\.4 /)).toEqual(linesAt(table, /^\S+ +0\.4 /));
  });
});
