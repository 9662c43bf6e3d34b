// Which way streams go while requests arrive faster than they could run one by one.
import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {Ways, ways} from '../../src/policies/ways.ts';

interface Load {
  readonly requests: number;
  readonly gap: number;
  /** How long requests take by each way, in ns. */
  readonly apart: number;
  readonly together: number;
}

/** Requests that arrive one after the other and take so long; returns which share of them went together. */
function goOn(of: Ways, {requests, gap, apart, together}: Load, from = 0): number {
  let count = 0;
  const due: {at: number; arrivedAt: number}[] = [];
  for (let i = 0; i < requests; i++) {
    const now = from + i * gap;
    while (due.length > 0 && due[0].at <= now) {
      const {at, arrivedAt} = due.shift()!;
      of.answered(0, arrivedAt, due.length, at);
    }
    of.arrived(0, due.length, now);
    const isTogether = of.of(0) === ways.together;
    if (isTogether) count++;
    const at = now + (isTogether ? together : apart);
    due.splice(due.findLastIndex((request) => request.at <= at) + 1, 0, {at, arrivedAt: now});
  }
  return count / requests;
}

/** Goes on behind what was before. */
const goOnAfter = (of: Ways, load: Load, again = load): number => {
  goOn(of, load);
  return goOn(of, again, load.requests * load.gap);
};

/** Of a program whose requests take so long one by one, and a tenth of it together. */
const alone = (ns: number): Ways => new Ways(Float64Array.of(ns), Float64Array.of(ns / 10), 128);

const slowTogether = {apart: 2e4, together: 5e4};
const slowApart = {apart: 5e4, together: 2e4};

describe('streams', () => {
  test('go together while requests one by one would leave half of the device', () => {
    expect(goOn(alone(1000), {requests: 5000, gap: 2100, ...slowTogether})).toBe(1);
  });

  test('go together where kernels do not recur, whatever arrives', () => {
    expect(goOn(alone(NaN), {requests: 5000, gap: 10, ...slowTogether})).toBe(1);
  });

  test('go together where that gains little, as nothing is lost by it', () => {
    const ways = new Ways(Float64Array.of(1000), Float64Array.of(900), 128);
    expect(goOn(ways, {requests: 5000, gap: 950, ...slowTogether})).toBe(1);
  });

  test('go together where more arrives than the largest launches could run', () => {
    // Crowded on the way there, and then no more.
    expect(goOnAfter(alone(1000), {requests: 5000, gap: 50, ...slowTogether})).toBe(1);
  });

  test('go together where that answers sooner', () => {
    expect(goOnAfter(alone(1000), {requests: 10_000, gap: 500, ...slowApart})).toBeGreaterThan(0.95);
  });

  test('try to go together, and go apart where that answers sooner', () => {
    const of = alone(1000);
    const load = {requests: 10_000, gap: 500, ...slowTogether};
    const first = goOn(of, load);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(0.1);
    expect(goOn(of, load, load.requests * load.gap)).toBe(0);
  });

  test('do not try to go apart where they are more than a launch holds', () => {
    // 200 of them, whatever the way.
    const load = {requests: 10_000, gap: 500, apart: 1e5, together: 1e5};
    expect(goOn(alone(1000), load)).toBe(1);
  });

  test('leave a way that they pile up by, though nobody is answered who could tell', () => {
    const load = {requests: 10_000, gap: 500};
    expect(goOn(alone(1000), {...load, apart: 1e9, together: 2e4})).toBeGreaterThan(0.95);
    expect(goOn(alone(1000), {...load, apart: 2e4, together: 1e9})).toBeLessThan(0.2);
  });

  test('go together again when less arrives', () => {
    const of = alone(1000);
    goOnAfter(
      of,
      {requests: 10_000, gap: 500, ...slowTogether},
      {requests: 2000, gap: 3000, ...slowTogether},
    );
    expect(goOn(of, {requests: 2000, gap: 3000, ...slowTogether}, 11e6)).toBe(1);
  });

  test('change their way when the other becomes better', () => {
    const load = {requests: 10_000, gap: 500};
    const of = alone(1000);
    const after = {requests: 20_000, gap: 500, apart: 8e4, together: 5e4};
    expect(goOnAfter(of, {...load, ...slowTogether}, after)).toBeGreaterThan(0.5);
  });

  test('spend little on trying, and never keep the way that is clearly worse', () => {
    // So many that there are less than a hundred: of more, a trial says that requests pile up.
    const ns = fc.integer({min: 1e4, max: 6e4});
    fc.assert(
      fc.property(ns, ns, fc.integer({min: 600, max: 900}), (apart, together, gap) => {
        fc.pre(Math.abs(Math.log(apart / together)) > 0.3);
        const share = goOnAfter(alone(1000), {requests: 10_000, gap, apart, together});
        expect(apart < together ? share : 1 - share).toBeLessThan(0.1);
      }),
      {numRuns: 30},
    );
  });
});
