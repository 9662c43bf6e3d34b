// The commands that only tell: policies, models, clusters, schema, help, version, completion.
import {readFileSync, statSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {inRepository, workplace} from './commandLine.ts';

const place = workplace();
const lines = async (...args: string[]): Promise<string[]> => {
  const {code, stdout} = await place.run(args);
  expect(code).toBe(0);
  return stdout.split('\n');
};

test.skipIf(process.platform === 'win32')('the program can be run by its name once it is built', () => {
  const program = new URL('../../dist/src/cli/main.js', import.meta.url);
  expect(statSync(program).mode & 0o111).toBe(0o111);
});

describe('policies', () => {
  test('lists them with what they do', async () => {
    const names = (await lines('policies', '--format', 'csv')).slice(1).map((line) => line.split(',')[0]);
    expect(names).toEqual(
      expect.arrayContaining(['exclusive', 'time-slice', 'mps', 'streams', 'greedy', 'ooo']),
    );
  });

  test('prints the parameters of one, with ranges, choices and defaults', async () => {
    const text = (await lines('policies', 'slo')).join('\n');
    expect(text).toMatch(/^slo: least slack first/);
    expect(text).toMatch(/^lanes +1 to 64 +2 +superkernels in flight$/m);
    expect(text).toMatch(/^coalesce +none \| class \| cluster +class /m);
  });

  test('prints those of a module of the user’s own', async () => {
    const text = (await lines('policies', inRepository('scenarios/policies/mine.ts'))).join('\n');
    expect(text).toMatch(/^mine: the longest waiting kernel first/);
    expect(text).toMatch(/^max-size +1 or more +32 +most kernels in one superkernel$/m);
  });

  test('prints them as JSON', async () => {
    const {stdout} = await place.run(['policies', 'slo', '--format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'slo',
      parameters: [
        {name: 'lanes', values: '1 to 64', default: 2},
        {name: 'max-size'},
        {name: 'coalesce'},
        {name: 'run-ahead', default: 1},
      ],
    });
  });
});

describe('models', () => {
  test('lists them with their work', async () => {
    const rows = await lines('models', '--format', 'csv');
    expect(rows.find((row) => row.startsWith('resnet-50,'))).toMatch(
      /^resnet-50,54,21,8\.\d+,102,ResNet-50$/,
    );
  });

  test('prints the layers of one as a model file', async () => {
    const {stdout} = await place.run(['models', 'lstm-512', '--format', 'csv']);
    place.write('copy.csv', stdout);
    place.write(
      'copied.yaml',
      `${place.read('small.yaml').replace('lstm-512', 'copy')}models: {copy: copy.csv}\n`,
    );
    const [copied, known] = [
      await lines('simulate', 'copied.yaml', '--no-report', '--quiet', '--format', 'csv'),
      await lines('simulate', 'small.yaml', '--no-report', '--quiet', '--format', 'csv'),
    ];
    expect(copied).toEqual(known);
  });
});

describe('clusters', () => {
  test('shows which shapes of the known models could share a launch, as a table and as SVG', async () => {
    const rows = await lines('clusters', '--output', 'clusters.svg');
    expect(rows[0]).toMatch(/^common shape +shapes +GEMMs/);
    expect(rows.find((row) => row.includes('resnet-18, resnet-34'))).toBeDefined();
    expect(place.read('clusters.svg')).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
  });

  test('pads nothing where nothing may be padded', async () => {
    const {stdout} = await place.run(['clusters', 'small.yaml', '--padding', '0', '--format', 'json']);
    const {clusters} = JSON.parse(stdout) as {clusters: {shapes: number; padding: number}[]};
    expect(clusters.length).toBeGreaterThan(5);
    expect(clusters.every(({shapes, padding}) => shapes === 1 && padding === 0)).toBe(true);
  });
});

describe('schema', () => {
  test('is a JSON Schema of scenario files, descriptions included', async () => {
    const {stdout} = await place.run(['schema']);
    const schema = JSON.parse(stdout) as {
      properties: Record<string, {description?: string}>;
      required: string[];
    };
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      required: ['tenants'],
    });
    expect(schema.properties['loads'].description).toContain('offered load');
  });
});

describe('the program', () => {
  test('tells its version', async () => {
    const {version} = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as {version: string};
    expect((await lines('--version'))[0]).toBe(version);
  });

  test('lists its commands', async () => {
    const help = (await lines('--help')).join('\n');
    for (const command of [
      'simulate <scenario>',
      'sweep <scenario>',
      'replay <trace>',
      'compare <base> <candidate>',
    ]) {
      expect(help).toContain(`superkernel ${command}`);
    }
  });

  test('explains a command with examples', async () => {
    const help = (await lines('simulate', '--help')).join('\n');
    expect(help).toContain('--policy');
    expect(help).toContain('superkernel simulate results/<hash>/manifest.json');
  });

  test('prints a completion script that shells can read', async () => {
    expect((await lines('completion')).join('\n')).toContain('complete -o bashdefault');
  });

  test('completes commands, options and values', async () => {
    const complete = (...words: string[]) => lines('--get-yargs-completions', 'superkernel', ...words);
    expect(await complete('sim')).toContain('simulate');
    expect(await complete('simulate', '--pol')).toContain('--policy');
    expect(await complete('simulate', 'x.yaml', '--policy', 'g')).toContain('greedy');
    expect(await complete('simulate', 'x.yaml', '--device', '')).toContain('v100');
    expect(await complete('models', 'res')).toContain('resnet-50');
  });

  test('ends quietly where its reader has seen enough', async () => {
    const child = place.spawn(['models', 'densenet-161']);
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
  });
});
