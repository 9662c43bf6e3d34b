// Superkernels of several kernels of each member, and lanes that hold several requests.
import {describe, expect, test} from 'vitest';
import {latencies, runPolicy} from './run.ts';

const request = (kernels: number[], at = 0) => ({kernels, arrivals: [at], sloNs: 1e6});
const shape = ({launches}: ReturnType<typeof runPolicy>): [number, number][] =>
  launches.map(({size, steps}) => [size, steps]);

describe.each(['greedy', 'slo', 'delay:condition=immediately'])('%s that runs ahead', (policy) => {
  const run = (ahead: string, tenants: ReturnType<typeof request>[]) =>
    runPolicy(`${policy.includes(':') ? `${policy},` : `${policy}:`}lanes=1,run-ahead=${ahead}`, {
      tenants,
      durations: [1_000, 1_000, 1_000],
    });

  test('launches as many kernels of a request as it may', () => {
    const one = [request([0, 1, 0, 1, 0])];
    expect(shape(run('1', one))).toEqual(Array.from({length: 5}, () => [1, 1]));
    // What is left over comes first: runs end where the request does.
    expect(shape(run('2', one))).toEqual([[1, 1], [1, 2], [1, 2]]); // prettier-ignore
    expect(shape(run('request', one))).toEqual([[1, 5]]);
  });

  test('stops where its members go different ways', () => {
    const apart = [request([0, 1, 1, 2]), request([0, 1, 1, 0])];
    expect(shape(run('request', apart)).slice(0, 1)).toEqual([[2, 3]]);
    // Six in common, of eight: the first four end where recorded runs do, and two come with what is left.
    const late = [request([0, 1, 0, 1, 0, 1, 2, 2]), request([0, 1, 0, 1, 0, 1, 0, 0])];
    expect(shape(run('request', late)).slice(0, 1)).toEqual([[2, 4]]);
    const shorter = [request([0, 1]), request([0, 1, 2])];
    expect(shape(run('request', shorter))).toEqual([[2, 2], [1, 1]]); // prettier-ignore
  });
});

test('a lane with a queue holds the next request before the last is done', () => {
  const world = {tenants: [{kernels: [0], arrivals: [0, 0, 0]}], durations: [1_000], detectNs: 500};
  expect(latencies(runPolicy('streams', world))).toEqual([1_500, 3_000, 4_500]);
  const {launches, ...result} = runPolicy('streams:queue-depth=2', world);
  expect(latencies({launches, ...result}).at(-1)!).toBeLessThan(4_500);
  expect(launches.map(({lane}) => lane)).toEqual([0, 0, 0]);
});
