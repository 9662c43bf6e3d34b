// How people write policies: names, parameters, policies around policies, and what is said about mistakes.
import {describe, expect, test} from 'vitest';
import {parsePolicy} from '../../src/policies/parse.ts';
import {findPolicy, policies} from '../../src/policies/table.ts';
import {InputError} from '../../src/scheduler/errors.ts';

describe('a policy is read from text', () => {
  test('with its defaults', () => {
    const {definition, parameters} = parsePolicy('greedy');
    expect(definition.name).toBe('greedy');
    expect(parameters).toMatchObject({lanes: 2, 'max-size': 128, coalesce: 'class'});
  });

  test('with numbers, words, lists, switches and durations', () => {
    expect(parsePolicy('slo: lanes=4, coalesce=cluster').parameters).toMatchObject({
      lanes: 4,
      coalesce: 'cluster',
    });
    expect(parsePolicy('batcher:preferred=[4, 8],max-queue-delay=1.5us').parameters).toMatchObject({
      preferred: [4, 8],
      'max-queue-delay': 1500,
    });
    expect(parsePolicy('exclusive:across-replicas=false').parameters).toMatchObject({
      'across-replicas': false,
    });
    expect(parsePolicy('mps:run-ahead=3').parameters).toMatchObject({'run-ahead': 3});
    expect(parsePolicy('mps:run-ahead=request').parameters).toMatchObject({'run-ahead': 'request'});
  });

  test('with another policy inside', () => {
    const {definition, parameters} = parsePolicy('evict(slo:lanes=4):patience=2,probe-every=1ms');
    expect(definition.name).toBe('evict');
    expect(parameters).toMatchObject({policy: 'slo:lanes=4', patience: 2, 'probe-every': 1e6});
    const policy = definition.create(parameters, {random: () => () => 0, tenants: 1});
    expect(policy.name).toBe('evict(slo)');
    expect(policy.setup?.lanes).toBe(4);
  });

  test('with parameters of the policy inside beside its own', () => {
    const {definition, parameters} = parsePolicy('evict:policy=slo,lanes=3,patience=2');
    expect(definition.create(parameters, {random: () => () => 0, tenants: 1}).setup?.lanes).toBe(3);
  });

  test('that holds a policy that holds a policy', () => {
    const {definition, parameters} = parsePolicy('evict(evict(slo:lanes=5))');
    const policy = definition.create(parameters, {random: () => () => 0, tenants: 1});
    expect(policy.name).toBe('evict(evict(slo))');
    expect(policy.setup?.lanes).toBe(5);
  });
});

describe('a mistake is told', () => {
  const known = [...policies.keys()].toSorted().join(', ');
  test.each([
    ['edff', `unknown policy: edff (known: ${known})`],
    ['', 'invalid policy: "" (expected a name, as in "greedy", "ooo:lanes=4" or "evict(slo)")'],
    ['slo(greedy)', 'invalid policy: "slo(greedy)" (slo is not a policy around another)'],
    ['greedy:lane=3', 'unknown parameter of greedy: lane (known: lanes, max-size, coalesce, run-ahead)'],
    ['greedy:lanes', 'invalid parameter of greedy: "lanes" (expected key=value)'],
    ['greedy:lanes=1,lanes=2', 'invalid parameter of greedy: lanes is given twice'],
    ['greedy:lanes=two', 'invalid lanes of greedy: "two" (expected number, received string)'],
    ['greedy:lanes=0', 'invalid lanes of greedy: 0 (expected number to be >=1)'],
    ['greedy:coalesce=x', 'invalid coalesce of greedy: "x" (expected one of "class"|"cluster")'],
    ['delay:max-delay=3', 'invalid max-delay of delay: 3 (expected a duration such as "50us")'],
    ['delay:max-delay=3min', 'invalid max-delay of delay: "3min" (expected a duration such as "50us")'],
    ['evict(edff)', `invalid policy of evict: "edff" (unknown policy: edff (known: ${known}))`],
    [
      'evict(slo:lane=2)',
      'invalid policy of evict: "slo:lane=2" (unknown parameter of slo: lane (known: lanes, max-size, coalesce, run-ahead))',
    ],
  ])('%s', (text, message) => {
    expect(() => parsePolicy(text)).toThrow(new InputError(message));
  });
});

test('every policy has a summary, a source and described parameters', () => {
  for (const {name, summary, source, parameters} of policies.values()) {
    expect(summary, name).toMatch(/\S/);
    expect(source, name).toMatch(/\S/);
    for (const [key, schema] of Object.entries(parameters.shape)) {
      expect(key).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(descriptionOf(schema), `${name}: ${key}`).toMatch(/\S/);
    }
  }
  expect(() => findPolicy('fcfs')).toThrow(InputError);
});

function descriptionOf(schema: unknown): string | undefined {
  return (schema as {description?: string}).description;
}
