// Dealing the keys of a trace out to tenants, and models to tenants.
import {describe, expect, test} from 'vitest';
import {parseTrace} from '../../../src/workload/traces/parseTrace.ts';
import {modelsOf, tenantArrivals} from '../../../src/workload/traces/tenants.ts';

const trace = parseTrace(
  'a.csv',
  ['at_ns,tenant', '0,rare', '1,busy', '2,busy', '3,some', '4,busy', '5,some', '6,other'].join('\n'),
);
const arrays = (arrivals: readonly Float64Array[]) => arrivals.map((at) => Array.from(at));

describe('tenantArrivals', () => {
  test('by name makes each key a tenant', () => {
    const {tenants, arrivals, dropped} = tenantArrivals(trace, {rule: 'name'});
    expect(tenants).toEqual(['rare', 'busy', 'some', 'other']);
    expect(arrays(arrivals)).toEqual([[0], [1, 2, 4], [3, 5], [6]]);
    expect(dropped).toBe(0);
  });

  test('by name takes the given tenants in their order, those without requests too', () => {
    const names = ['idle', 'other', 'some', 'busy', 'rare'];
    expect(arrays(tenantArrivals(trace, {rule: 'name', tenants: names}).arrivals)).toEqual([
      [],
      [6],
      [3, 5],
      [1, 2, 4],
      [0],
    ]);
  });

  test('by name refuses a key that is no tenant', () => {
    expect(() => tenantArrivals(trace, {rule: 'name', tenants: ['busy', 'rare']})).toThrow(
      'unknown tenant in trace a: "some" (known: busy, rare; or deal them out with --deal round-robin or popularity)',
    );
  });

  test('round robin deals keys out in order of first appearance', () => {
    const {arrivals, tenantOf} = tenantArrivals(trace, {rule: 'round-robin', tenants: ['x', 'y']});
    expect(Array.from(tenantOf)).toEqual([0, 1, 0, 1]);
    expect(arrays(arrivals)).toEqual([[0, 3, 5], [1, 2, 4, 6]]); // prettier-ignore
  });

  test('popularity ranks keys by their number of requests, ties by appearance, and counts what it drops', () => {
    const {arrivals, tenantOf, dropped} = tenantArrivals(trace, {
      rule: 'popularity',
      tenants: ['x', 'y', 'z'],
    });
    expect(Array.from(tenantOf)).toEqual([2, 0, 1, -1]);
    expect(arrays(arrivals)).toEqual([[1, 2, 4], [3, 5], [0]]);
    expect(dropped).toBe(1);
  });

  test('needs tenants', () => {
    expect(() => tenantArrivals(trace, {rule: 'round-robin', tenants: []})).toThrow(
      'missing tenants: a trace needs at least 1',
    );
  });
});

describe('modelsOf', () => {
  test('deals a list out in turn', () => {
    expect(modelsOf(['a', 'b', 'c'], ['resnet50', 'bert'])).toEqual(['resnet50', 'bert', 'resnet50']);
  });

  test('looks names up in a record', () => {
    expect(modelsOf(['a', 'b'], {b: 'bert', a: 'vgg'})).toEqual(['vgg', 'bert']);
    expect(() => modelsOf(['a', 'toString'], {a: 'vgg'})).toThrow('missing model of tenant "toString"');
  });

  test('needs models', () => {
    expect(() => modelsOf(['a'], [])).toThrow('missing models: a trace needs at least 1');
  });
});
