// Which way streams go while requests arrive faster than they could run one by one.
import {describe, expect, test} from 'vitest';
import {Turns} from '../../src/policies/turns.ts';

/** Requests that arrive every `gap` ns and take so long the one way and the other; returns how long they went in turns, 0 to 1. */
function goOn(
  turns: Turns,
  {requests, gap, turnsNs, plansNs}: {requests: number; gap: number; turnsNs: number; plansNs: number},
  from = 0,
): number {
  let inTurns = 0;
  const due: {at: number; arrivedAt: number}[] = [];
  for (let i = 0; i < requests; i++) {
    const now = from + i * gap;
    while (due.length > 0 && due[0].at <= now) {
      const {at, arrivedAt} = due.shift()!;
      turns.answered(0, arrivedAt, due.length, at);
    }
    turns.arrived(0, due.length, now);
    const isTurn = turns.takesPart(0);
    if (isTurn) inTurns++;
    due.push({at: now + (isTurn ? turnsNs : plansNs), arrivedAt: now});
    due.sort((a, b) => a.at - b.at);
  }
  return inTurns / requests;
}

/** Of a program whose requests take so long one by one, and a tenth of it together. */
const alone = (ns: number): Turns => new Turns(Float64Array.of(ns), Float64Array.of(ns / 10));

describe('turns', () => {
  test('are not taken while the device keeps up with requests one by one', () => {
    expect(goOn(alone(1000), {requests: 5000, gap: 1500, turnsNs: 1e4, plansNs: 1e5})).toBe(0);
  });

  test('are not taken by programs whose kernels do not recur', () => {
    expect(goOn(alone(NaN), {requests: 5000, gap: 10, turnsNs: 1e4, plansNs: 1e5})).toBe(0);
  });

  test('are not taken by programs that gain little by running together', () => {
    const turns = new Turns(Float64Array.of(1000), Float64Array.of(900));
    expect(goOn(turns, {requests: 5000, gap: 950, turnsNs: 1e4, plansNs: 1e5})).toBe(0);
  });

  test('are not taken where more arrives than the largest launches could run', () => {
    // Crowded on the way there, and then no more.
    const load = {requests: 5000, gap: 50, turnsNs: 1e4, plansNs: 1e5};
    const turns = alone(1000);
    goOn(turns, load);
    expect(goOn(turns, load, load.requests * load.gap)).toBe(0);
  });

  test('are kept where they answer sooner than plans', () => {
    const turns = alone(1000);
    const load = {requests: 10_000, gap: 500, turnsNs: 2e4, plansNs: 5e4};
    goOn(turns, load);
    expect(goOn(turns, load, load.requests * load.gap)).toBeGreaterThan(0.95);
  });

  test('are tried, and left, where plans answer sooner', () => {
    const turns = alone(1000);
    const load = {requests: 10_000, gap: 500, turnsNs: 5e4, plansNs: 2e4};
    const first = goOn(turns, load);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(0.3);
    expect(goOn(turns, load, load.requests * load.gap)).toBe(0);
  });

  test('are taken at once where plans let requests pile up', () => {
    const turns = alone(1000);
    // Nobody is answered in time by plans.
    const requests = 6000;
    expect(goOn(turns, {requests, gap: 500, turnsNs: 2e4, plansNs: 1e9})).toBeGreaterThan(0.6);
  });

  test('end when less arrives', () => {
    const turns = alone(1000);
    goOn(turns, {requests: 10_000, gap: 500, turnsNs: 2e4, plansNs: 5e4});
    goOn(turns, {requests: 2000, gap: 2000, turnsNs: 2e4, plansNs: 5e4}, 5e6);
    expect(goOn(turns, {requests: 2000, gap: 2000, turnsNs: 2e4, plansNs: 5e4}, 9e6)).toBe(0);
  });
});
