// `compare`: two results side by side, and a verdict for CI.
import {describe, expect, test} from 'vitest';
import {workplace} from './commandLine.ts';

const place = workplace();

/** The folder of a result, made on first use. */
async function result(name: string, ...more: string[]): Promise<string> {
  if (place.files(name).length === 0) {
    await place.run(['simulate', 'small.yaml', '--policy', 'streams', '--replications', '4', '--no-report', '--output', name, ...more]); // prettier-ignore
  }
  return place.result(name);
}

const calm = () => result('calm');
const noHost = () => result('no-host', '--set', 'own-host=false');

describe('compare', () => {
  test('finds no difference between a result and itself', async () => {
    const {code, stdout} = await place.run(['compare', await calm(), await calm(), '--fail-if', 'p50 > 0%', '--fail-if', 'p50 < 0%']); // prettier-ignore
    expect(code).toBe(0);
    expect(stdout).toMatch(/^p50 +streams at 0\.5.* (~|0\.0 %)/m);
  });

  test('shows what became better and passes', async () => {
    const {code, stdout} = await place.run([
      'compare',
      await calm(),
      await noHost(),
      '--fail-if',
      'p50 > +5%',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^p50 +streams at 0\.5.* -\d+\.\d %/m);
  });

  test('exits with 3 where a threshold is broken, after the table', async () => {
    const {code, stdout, stderr} = await place.run([
      'compare',
      await noHost(),
      await calm(),
      '--fail-if',
      'p50 > +5%',
    ]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^p50 /m);
    expect(stderr).toMatch(/^superkernel: streams at 0\.5\d*: p50 \+\d+\.\d% \(p50 > \+5%\)\n$/);
  });

  test('says where the same load is other arrivals, as it is another device', async () => {
    const elsewhere = await result('elsewhere', '--device', 't4');
    const {code, stdout, stderr} = await place.run(['compare', await calm(), elsewhere]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^p50 /m);
    expect(stderr).toMatch(/^note: load is relative to the device: at 0\.5\d*, [\d.,]+ requests arrive a second on v100 and [\d.,]+ on t4/); // prettier-ignore
    expect((await place.run(['compare', await calm(), await calm()])).stderr).toBe('');
  });

  test('pairs another device’s results by the requests that arrive, where no load is given', async () => {
    place.write('unloaded.yaml', 'duration: 300ms\ntenants:\n  - {name: a, model: lstm-1024, slo: 5ms, arrivals: {process: poisson, rate: 400}}\n'); // prettier-ignore
    for (const device of ['v100', 't4'])
      await place.run(['simulate', 'unloaded.yaml', '--policy', 'streams', '--device', device, '--replications', '2', '--no-report', '--output', `on-${device}`]); // prettier-ignore
    const {code, stdout, stderr} = await place.run(['compare', place.result('on-v100'), place.result('on-t4')]); // prettier-ignore
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^p50 +streams at 0\.\d+ and 0\.\d+ /m);
  });

  test('refuses results that share nothing', async () => {
    const other = await result('other', '--load', '0.3');
    const {code, stderr} = await place.run(['compare', await calm(), other]);
    expect(code).toBe(2);
    expect(stderr).toContain('nothing to compare');
  });

  test('says of results that differ in their parameters that they do', async () => {
    place.write('swept.yaml', place.read('small.yaml').replace('[greedy, streams]', '[streams]'));
    for (const size of ['16', '32'])
      await place.run(['sweep', 'swept.yaml', '--param', `max-size=${size}`, '--replications', '1', '--no-report', '--output', `size-${size}`]); // prettier-ignore
    const {code, stderr} = await place.run(['compare', place.result('size-16'), place.result('size-32')]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'superkernel: nothing to compare: the results have no parameters in common (streams has max-size=16 in the base, max-size=32 in the candidate)\n',
    );
  });

  test('refuses metrics and thresholds that it does not know', async () => {
    const both = [await calm(), await calm()];
    const metric = await place.run(['compare', ...both, '--metric', 'p999']);
    expect(metric).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown metric: p999; did you mean "p99"?') as string,
    });
    const limit = await place.run(['compare', ...both, '--fail-if', 'p99 above 5']);
    expect(limit).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('invalid fail-if: "p99 above 5"') as string,
    });
  });
});
