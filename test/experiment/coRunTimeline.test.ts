// Who ran beside whom, in runs as they were measured.
import {describe, expect, test} from 'vitest';
import {CoRunTimeline} from '../../src/experiment/coRunTimeline.ts';

/** Kernel runs from `begin` to `end` each, laid out. */
function laidOut(spans: readonly (readonly [begin: number, end: number])[], holds: readonly boolean[]) {
  const timeline = new CoRunTimeline(spans.length);
  timeline.arrange(Float64Array.of(...spans.map(([begin]) => begin), ...spans.map(([, end]) => end)));
  const share = Float64Array.from(spans, () => 0.4);
  timeline.findWaits({share, holds: Uint8Array.from(holds, Number)}, new Float64Array(spans.length));
  const added = Float64Array.from(spans, (_, i) => i + 1);
  timeline.integrate(added);
  return spans.map((_, i) => timeline.meanBeside(i, added));
}

describe('kernel runs beside each other', () => {
  const spans = [
    [0, 100],
    [50, 150],
    [75, 175],
  ] as const;

  test('are beside all others for as long as both run', () => {
    const [first, second, third] = laidOut(spans, [false, false, false]);
    expect(first).toBeCloseTo(2 * 0.5 + 3 * 0.25, 12);
    expect(second).toBeCloseTo(1 * 0.5 + 3 * 0.75, 12);
    expect(third).toBeCloseTo(1 * 0.25 + 2 * 0.75, 12);
  });

  test('that hold their places are beside those alone that began before, and those that hold none', () => {
    expect(laidOut(spans, [true, true, true])[0]).toBe(0);
    expect(laidOut(spans, [true, true, true])[1]).toBeCloseTo(1 * 0.5, 12);
    expect(laidOut(spans, [true, true, true])[2]).toBeCloseTo(1 * 0.25 + 2 * 0.75, 12);
    expect(laidOut(spans, [true, false, true])[0]).toBeCloseTo(2 * 0.5, 12);
    expect(laidOut(spans, [true, false, true])[1]).toBeCloseTo(1 * 0.5 + 3 * 0.75, 12);
  });
});
