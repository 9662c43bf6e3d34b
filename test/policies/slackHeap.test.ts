// The heap of ready kernels: least slack on top, whatever was launched or held in between.
import {fc, test} from '@fast-check/vitest';
import {expect} from 'vitest';
import {SlackHeap} from '../../src/policies/slackHeap.ts';
import {Streams, streamStates} from '../../src/scheduler/streams.ts';

const {ready, running} = streamStates;

const often = <T>(step: T, times: number): T[] => Array.from({length: times}, () => step);

test.prop([
  fc.array(
    fc.tuple(
      fc.constantFrom(...often('push', 60), ...often('take', 25), ...often('launch', 25), 'clear' as const),
      fc.nat(2_000),
      fc.nat(20),
    ),
    {
      maxLength: 3_000,
    },
  ),
])('gives the ready kernel with the smallest key, the first pushed among equals', (steps) => {
  const streams = new Streams();
  const heap = new SlackHeap();
  // What the heap should hold: slot, key, order.
  let model: {slot: number; key: number; order: number}[] = [];
  let order = 0;
  for (const [step, pick, key] of steps) {
    if (step === 'push') {
      const slot = streams.allocate(0, 0, 0, 0, 1);
      streams.state[slot] = ready;
      streams.stamp[slot]++;
      heap.push(slot, key, streams);
      model.push({slot, key, order: order++});
    } else if (step === 'clear') {
      for (const {slot} of model) {
        streams.state[slot] = running;
        streams.release(slot);
      }
      model = [];
      heap.clear();
      expect(heap.size).toBe(0);
      expect(heap.earliest).toBe(Infinity);
    } else if (model.length > 0) {
      // A look at the first orders nothing: it is left out now and then.
      if (step === 'launch' && pick % 2 === 0) {
        const {slot} = model[pick % model.length];
        model = model.filter((entry) => entry.slot !== slot);
        streams.state[slot] = running;
        streams.release(slot);
        continue;
      }
      const least = model.reduce((a, b) => (b.key < a.key || (b.key === a.key && b.order < a.order) ? b : a));
      expect(heap.top(streams)).toBe(least.slot);
      expect(heap.at).toBe(least.key);
      expect(heap.earliest).toBeLessThanOrEqual(least.key);
      const gone = step === 'take' ? least : model[pick % model.length];
      if (step === 'take') expect(heap.take(streams)).toBe(least.slot);
      model = model.filter((entry) => entry !== gone);
      streams.state[gone.slot] = running;
      streams.release(gone.slot);
    }
  }
  for (const {slot} of model.toSorted((a, b) => a.key - b.key || a.order - b.order)) {
    expect(heap.take(streams)).toBe(slot);
    streams.state[slot] = running;
  }
  expect(heap.top(streams)).toBe(-1);
});

test('forgets kernels that are gone, so that it does not grow with those that passed through', () => {
  const streams = new Streams();
  const heap = new SlackHeap();
  const patient = streams.allocate(0, 0, 0, 0, 1);
  streams.state[patient] = ready;
  heap.push(patient, 0, streams);
  for (let i = 1; i < 100_000; i++) {
    const slot = streams.allocate(0, 0, 0, 0, 1);
    streams.state[slot] = ready;
    streams.stamp[slot]++;
    heap.push(slot, i, streams);
    streams.release(slot);
  }
  expect(heap.top(streams)).toBe(patient);
  expect(heap.size).toBeLessThanOrEqual(256);
});
