// What is wrong with a command line or a file is said in one sentence, with exit code 2, before anything is written.
import {readdirSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {smallScenario, workplace} from './commandLine.ts';

const place = workplace();
place.write('unknown.yaml', smallScenario.replace('resnet-18', 'resnet-5'));

const small = (...more: string[]): string[] => ['simulate', 'small.yaml', ...more];

const commandLines: readonly (readonly [what: string, args: readonly string[], message: string | RegExp])[] = [
  ['no command', [], 'missing command (see "superkernel --help")'],
  ['a misspelt command', ['simulat', 'small.yaml'], 'unknown command: simulat; did you mean "simulate"?'],
  ['a misspelt option', small('--polcy', 'ooo'), 'unknown option: --polcy; did you mean "--policy"?'],
  ['a missing argument', ['simulate'], 'missing argument: superkernel simulate <scenario>'],
  ['an argument too many', small('other.yaml'), 'unexpected argument: other.yaml'],
  ['an option without its value', small('--seed'), 'missing value of --seed'],
  ['an option given twice', small('--seed', '1', '--seed', '2'), '--seed is given more than once'],
  ['a choice that is none', small('--format', 'jsn'), 'invalid format: jsn; did you mean "json"?'],
  ['a missing file', ['simulate', 'smal.yaml'], 'missing scenario: smal.yaml'],
  ['a folder', ['simulate', '.'], '.: a folder (expected a scenario file, or the manifest.json of a result)'],
  ['an unknown policy', small('--policy', 'oo'), 'unknown policy: "oo"; did you mean "ooo"?'],
  ['an unknown parameter', small('--policy', 'slo:lane=2'), 'unknown parameter of slo: lane (known: lanes, max-size, coalesce, run-ahead)'],
  ['a parameter out of range', small('--policy', 'slo:lanes=0'), /^invalid lanes of slo: 0 \(/],
  ['a missing policy module', small('--policy', './mine.ts'), 'missing policy module: ./mine.ts'],
  ['a policy that is no module', small('--policy', './small.yaml'), 'invalid policy: "./small.yaml" (expected a name, or a module that ends in .ts, .mts, .js or .mjs)'],
  ['a policy around what is no module', small('--policy', 'evict(mine.py:lanes=3):patience=3'), 'invalid policy: "mine.py" (expected a name, or a module that ends in .ts, .mts, .js or .mjs)'],
  ['an unknown device', small('--device', 'v10'), /^unknown device profile: v10 \(known: .*v100/],
  ['a missing device profile', small('--device', './v.json'), 'missing device profile: ./v.json'],
  ['a load of 0', small('--load', '0,1'), 'invalid load: 0 (expected numbers above 0, as in 0.5,0.8 or 0.2:1.2:0.2)'],
  ['a load that is no number', small('--load', 'high'), /^invalid load: high \(expected numbers above 0/],
  ['a range that runs backwards', small('--load', '1:0.5:0.1'), /^invalid load: "1:0.5:0.1" \(expected start:end:step/],
  ['a range of too many values', small('--load', '0.1:1e9:0.1'), 'invalid load: "0.1:1e9:0.1" (more than 10000 values)'],
  ['a file without a name', ['simulate', '-'], 'missing scenario: expected the name of a file'],
  ['a seed that is too large', small('--seed', '99999999999999999999'), 'small.yaml: seed: expected at most 9007199254740991'],
  ['an empty seed', small('--seed', ''), 'small.yaml: seed: expected a text that is not empty'],
  ['too many replications', small('--replications', '1e9'), 'small.yaml:4:15: replications: expected at most 10000'],
  ['no replications', small('--replications', '0'), 'invalid replications: 0 (expected a whole number above 0)'],
  ['a duration without unit', small('--duration', '3'), /^small.yaml:2:11: duration: missing unit in duration: "3" \(expected ns, us, ms, s/],
  ['a warm-up as long as the run', small('--warmup', '200ms'), /^small.yaml:3:9: warmup: the warm-up is as long as the whole run/],
  ['a setting without value', small('--set', 'name'), 'invalid setting: "name" (expected key=value)'],
  ['a setting that leads nowhere', small('--set', 'name.deep=1'), /^cannot set name.deep: /],
  ['a setting of a tenant that is not there', small('--set', 'tenants.5.slo=3ms'), 'cannot set tenants.5.slo: tenants has 2 items, counted from tenants.0'],
  ['a setting of the tenant after the last', small('--set', 'tenants.2.slo=3ms'), 'cannot set tenants.2.slo: tenants has 2 items, counted from tenants.0'],
  ['a half replica', small('--set', 'tenants.0.replicas=0.5'), 'small.yaml: tenants[0].replicas: expected a whole number'],
  ['a model without a name', small('--set', 'tenants.0.model=""'), 'small.yaml:8:29: tenants[0].model: expected a text that is not empty'],
  ['a weight of 0', small('--set', 'tenants.0.weight=0'), 'small.yaml: tenants[0].weight: expected more than 0'],
  ['no policies', small('--set', 'policies=[]'), 'small.yaml: policies: expected at least 1 in the list'],
  ['a misspelt key', small('--set', 'tenants.0.wieght=2'), /^small.yaml:8:5: tenants\[0\]: unknown key "wieght"; did you mean "weight"\?/],
  ['no tenants', small('--set', 'tenants=[]'), /missing tenants: expected at least one/],
  ['an unknown model', small('--set', 'tenants.0.model=resnet-5'), 'tenant pictures: unknown model: resnet-5; did you mean "resnet-50"?'],
  ['a negative rate', small('--set', 'tenants.0.arrivals.rate=-4'), /^small.yaml:8:\d+: tenants\[0\].arrivals.rate: invalid rate: -4 /],
  ['a folder for a timeline', small('--timeline', '.'), 'cannot write .: a folder (expected a file)'],
  ['a timeline in a missing folder', small('--timeline', 'no/run.json'), 'cannot write no/run.json: missing folder no'],
  ['arrivals in a missing folder', small('--arrivals', 'no/run.csv'), 'cannot write no/run.csv: missing folder no'],
  ['a timeline without a name', small('--timeline', ''), 'cannot write a file without a name'],
  ['a drawing in a missing folder', ['clusters', '--output', 'no/all.svg'], 'cannot write no/all.svg: missing folder no'],
  ['a roofline in a missing folder', ['profile', 'show', 'v100', '-o', 'no/roof.svg'], 'cannot write no/roof.svg: missing folder no'],
  ['a folder for a validation', ['validate', 'small.yaml', '--output', '.'], 'cannot write .: a folder (expected a file)'],
  ['a validation without a name', ['validate', 'small.yaml', '--output', ''], 'cannot write a file without a name'],
  ['a shard that does not exist', ['sweep', 'small.yaml', '--shard', '3/2'], 'invalid shard: 3/2 (expected i/n with i from 1 to n, as in 2/8)'],
  ['a parameter without values', ['sweep', 'small.yaml', '--param', 'name'], 'invalid parameter: "name" (expected key=value)'],
  ['a parameter with a wrong value', ['sweep', 'small.yaml', '--param', 'tenants.0.slo=10ms,10'], /^--param: tenants\[0\].slo: /],
  ['a missing trace', ['replay', 'trace.csv', '--model', 'vgg-16'], 'trace.csv: no such file'],
  ['a trace of no known format', ['replay', 'small.yaml', '--model', 'vgg-16'], /^small.yaml:1: unknown trace format, beginning "name: small"/],
  ['a result that is none', ['compare', 'a', 'b'], 'missing result: a'],
  ['a policy that is none', ['policies', 'dela'], 'unknown policy: "dela"; did you mean "delay"?'],
  ['a model that is none', ['models', 'resnet-5'], 'unknown model: resnet-5; did you mean "resnet-50"?'],
  ['a scenario to calibrate for that is missing', ['calibrate', '--scenario', 'mine.yaml'], 'missing scenario: mine.yaml'],
  ['a tenant to calibrate for whose model is none', ['calibrate', '--scenario', 'unknown.yaml'], 'tenant pictures: unknown model: resnet-5; did you mean "resnet-50"?'],
  ['a model to calibrate for that is none', ['calibrate', '--scenario', 'small.yaml', '--models', 'resnet-5'], 'unknown model: resnet-5; did you mean "resnet-50"?'],
  ['a padding beyond 1', ['clusters', '--padding', '2'], 'invalid padding: 2 (expected 0 to 1)'],
]; // prettier-ignore

describe('a command line with', () => {
  test.each(commandLines)('%s is refused', async (_, args, message) => {
    const {code, stdout, stderr} = await place.run([...args]);
    expect(stderr).toMatch(/^superkernel: [^\n]*\n$/);
    const sentence = stderr.slice('superkernel: '.length, -1);
    if (typeof message === 'string') expect(sentence).toBe(message);
    else expect(sentence).toMatch(message);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(readdirSync(place.folder)).not.toContain('results');
  });
});

const files: readonly (readonly [what: string, text: string, message: string | RegExp])[] = [
  ['a syntax error', 'tenants: [{name: a', /^bad.yaml:1:\d+: /],
  ['a list', '- a\n', 'bad.yaml: expected a mapping with tenants, got a list'],
  ['nothing', '', 'bad.yaml: expected a mapping with tenants, got nothing'],
  ['null', 'null\n', 'bad.yaml: expected a mapping with tenants, got nothing'],
  ['a text', 'hello\n', 'bad.yaml: expected a mapping with tenants, got a text'],
  ['two documents', `${smallScenario}---\nname: second\n`, 'bad.yaml:10:1: a second document begins (expected one)'],
  ['an unknown key', `${smallScenario}polices: [ooo]\n`, /^bad.yaml:10:1: unknown key "polices"; did you mean "policies"\?/],
  ['a key given twice', `${smallScenario}name: twice\n`, /^bad.yaml:10:1: /],
  ['two tenants of one name', smallScenario.replace('keyboard', 'pictures'), /tenant "pictures" is named twice/],
  ['a list left out', 'loads: [1]\n', 'bad.yaml:1:1: tenants: missing tenants (expected a list)'],
  ['a name left out', smallScenario.replace('name: pictures, ', ''), /^bad.yaml:\d+:\d+: tenants\[0\]\.name: missing name \(expected a text\)$/],
  ['a number for a list', 'tenants: 5\n', 'bad.yaml:1:10: tenants: expected a list, got a number'],
  ['a missing model file', `${smallScenario}models: {lstm-512: mine.yaml}\n`, 'missing model file: mine.yaml'],
  ['a manifest of another version', '{"kind": "superkernel-manifest", "schema_version": 99}', /unknown kind or version of manifest: "superkernel-manifest", 99/],
]; // prettier-ignore

describe('a scenario with', () => {
  test.each(files)('%s is refused', async (what, text, message) => {
    const name = what.startsWith('a manifest') ? 'bad.json' : 'bad.yaml';
    place.write(name, text);
    const {code, stderr} = await place.run(['simulate', name]);
    expect(stderr).toMatch(/^superkernel: [^\n]*\n$/);
    const sentence = stderr.slice('superkernel: '.length, -1);
    if (typeof message === 'string') expect(sentence).toBe(message);
    else expect(sentence).toMatch(message);
    expect(code).toBe(2);
    expect(readdirSync(place.folder)).not.toContain('results');
  });
});
