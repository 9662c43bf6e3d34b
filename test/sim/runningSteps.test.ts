// Steps that start and end beside each other, against the law of sharing integrated step by step.
import {fc, test} from '@fast-check/vitest';
import {expect} from 'vitest';
import type {ContentionTerms} from '../../src/scheduler/sharingTerms.ts';
import {inUnits} from '../../src/scheduler/shareUnits.ts';
import {RunningSteps} from '../../src/sim/runningSteps.ts';
import {shareRates} from '../../src/sim/sharing.ts';

interface Step {
  readonly startsAt: number;
  readonly workNs: number;
  readonly share: number;
  readonly exposure: number;
  /** What it presses with for each share. */
  readonly stress: number;
  readonly kind: 'single' | 'coalesced' | 'holding';
}

const terms = fc.record({
  interference: fc.double({min: 0, max: 3, noNaN: true}),
  crowding: fc.double({min: 0, max: 1, noNaN: true}),
  crowdedInterference: fc.double({min: 0, max: 3, noNaN: true}),
  mixing: fc.double({min: 0, max: 3, noNaN: true}),
});
const steps = fc.array(
  fc.record({
    startsAt: fc.nat(50_000),
    workNs: fc.integer({min: 1, max: 20_000}),
    share: fc.double({min: 0.001, max: 1, noNaN: true}).map(inUnits),
    exposure: fc.constantFrom(0.5, 1, 2),
    stress: fc.constantFrom(0.5, 1, 2),
    kind: fc.constantFrom('single' as const, 'coalesced' as const, 'holding' as const),
  }),
  {minLength: 1, maxLength: 12},
);

const kindsOf = (all: readonly Step[]) => ({
  coalesces: Uint8Array.from(all, ({kind}) => (kind === 'single' ? 0 : 1)),
  holds: Uint8Array.from(all, ({kind}) => (kind === 'holding' ? 1 : 0)),
});

function simulatedEnds(all: readonly Step[], sharing: ContentionTerms): {ends: number[]; smNs: number} {
  const column = (of: (step: Step) => number): Float64Array => Float64Array.from(all, of);
  const share = column((step) => step.share);
  const lanes = {
    smShare: share,
    share,
    exposure: column((step) => step.exposure),
    demand: column((step) => step.share / step.exposure),
    pressure: column((step) => step.share * step.stress),
    ...kindsOf(all),
  };
  const running = new RunningSteps(all.length, lanes, sharing);
  const ends = new Array<number>(all.length).fill(NaN);
  const waiting = all.map((step, lane) => ({lane, ...step})).sort((a, b) => a.startsAt - b.startsAt);
  while (waiting.length > 0 || running.count > 0) {
    const startsAt = waiting[0]?.startsAt ?? Infinity;
    running.moveTo(Math.min(startsAt, running.nextEndAt));
    if (running.nextEndAt <= running.time) ends[running.takeFirst()] = running.time;
    while (waiting.length > 0 && waiting[0].startsAt <= running.time) {
      const {lane, workNs} = waiting.shift()!;
      running.putOn(lane, workNs);
    }
    running.retime();
  }
  return {ends, smNs: running.smNs(running.time)};
}

/** Not in whole ns, and with all rates found anew from all steps. */
function integratedEnds(all: readonly Step[], sharing: ContentionTerms): number[] {
  const column = (of: (step: Step) => number): Float64Array => Float64Array.from(all, of);
  const left = column((step) => step.workNs);
  const rate = new Float64Array(all.length);
  const ends = new Array<number>(all.length).fill(NaN);
  let time = 0;
  for (;;) {
    const running = all.flatMap(({startsAt}, i) => (startsAt <= time && Number.isNaN(ends[i]) ? [i] : []));
    running.sort((a, b) => all[a].startsAt - all[b].startsAt);
    const starts = all.flatMap(({startsAt}) => (startsAt > time ? [startsAt] : []));
    if (running.length === 0 && starts.length === 0) return ends;
    shareRates(
      running.length,
      Int32Array.from(running),
      {
        share: column((step) => step.share),
        exposure: column((step) => step.exposure),
        pressure: column((step) => step.share * step.stress),
        ...kindsOf(all),
      },
      sharing,
      rate,
    );
    const next = Math.min(...starts, ...running.map((i) => time + left[i] / rate[i]));
    for (const i of running) {
      left[i] -= (next - time) * rate[i];
      if (left[i] < 1e-9) ends[i] = next;
    }
    time = next;
  }
}

test.prop([steps, terms], {numRuns: 300})(
  'take what the law of sharing says, in whole ns',
  (all, sharing) => {
    const {ends} = simulatedEnds(all, sharing);
    const exact = integratedEnds(all, sharing);
    // Each is seen to end up to 1 ns late, and slows the others for so long.
    ends.forEach((end, i) => expect(Math.abs(end - exact[i])).toBeLessThanOrEqual(2 + 3 * all.length));
  },
);

test.prop([steps])('use of the SMs what they take of them, and no more than there is', (all) => {
  const {smNs, ends} = simulatedEnds(all, {interference: 0, crowding: 0, crowdedInterference: 0, mixing: 0});
  const first = Math.min(...all.map(({startsAt}) => startsAt));
  expect(smNs).toBeLessThanOrEqual(Math.max(...ends) - first + 1e-6);
  if (all.length === 1) expect(smNs).toBeCloseTo(all[0].share * (ends[0] - first), 6);
});

test('of those that end at once the lowest lane is first, and the others follow', () => {
  const ones = Float64Array.from({length: 3}, () => 1);
  const running = new RunningSteps(
    3,
    {
      smShare: ones,
      share: ones,
      exposure: ones,
      demand: ones,
      pressure: ones,
      coalesces: new Uint8Array(3),
      holds: new Uint8Array(3),
    },
    {interference: 1, crowding: 0, crowdedInterference: 0, mixing: 1},
  );
  for (const lane of [2, 0, 1]) running.putOn(lane, 1000);
  const ends: [lane: number, at: number][] = [];
  for (running.retime(); running.count > 0; running.retime()) {
    running.moveTo(running.nextEndAt);
    ends.push([running.takeFirst(), running.time]);
  }
  expect(ends).toEqual([
    [0, 3000],
    [1, 3000],
    [2, 3000],
  ]);
});
