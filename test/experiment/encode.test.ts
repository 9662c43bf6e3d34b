// A resolved scenario written back as a person could have written it.
import {readFileSync, readdirSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {encodeScenario} from '../../src/experiment/encode.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';

const scenarios = new URL('../../scenarios/', import.meta.url);
const full = `
name: full
description: everything at once
duration: 1500ms
warmup: 20us
drain: 0s
seed: abc
loads: [0.5]
price-per-hour: 2.5
models: {own: own.csv}
stragglers: [{tenant: a, factor: 2, from: 1s}]
tenants:
  - {name: a, model: own, slo: {latency: 7ms, quantile: 0.9}, arrivals: {process: gamma, rate: 90/min, cv: 2}}
  - {name: b, model: vgg-16, slo: 1s, arrivals: {process: on-off, onRate: 10, on: 1s, off: 333us}}
  - {name: c, model: vgg-16, slo: 1s, arrivals: {process: closed-loop, outstanding: 3, think: {distribution: gamma, mean: 5ms, cv: 1.5}}}
  - {name: d, model: vgg-16, slo: 1s, arrivals: {process: diurnal, base: {process: weibull, rate: 5, shape: 0.7}, period: 1h, amplitude: 0.5}}
  - {name: e, model: vgg-16, slo: 1s, arrivals: {process: trace, at: [0s, 1ns, 2h], repeat: 3h}}
  - {name: f, model: vgg-16, slo: 1s, arrivals: {process: mmpp, states: [{rate: 1, sojourn: 1s}, {rate: 9, sojourn: 2ms}]}}
`;
const texts = [
  ['all kinds of arrivals', full] as const,
  ...readdirSync(scenarios)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => [file, readFileSync(new URL(file, scenarios), 'utf8')] as const),
];

describe('encodeScenario', () => {
  test.each(texts)('gives back %s when it is read again', (name, text) => {
    const scenario = parseScenario(text, name);
    const encoded = JSON.stringify(encodeScenario(scenario));
    expect(parseScenario(encoded, name)).toEqual(scenario);
    // Twice the same text: a manifest of a manifest is that manifest.
    expect(JSON.stringify(encodeScenario(parseScenario(encoded, name)))).toBe(encoded);
  });

  test('writes durations with units', () => {
    expect(encodeScenario(parseScenario(full, 'full'))).toMatchObject({
      duration: '1500ms',
      warmup: '20us',
      tenants: [{slo: {latency: '7ms', quantile: 0.9}, arrivals: {rate: 1.5}}, {}, {}, {}, {}, {}],
    });
  });
});
