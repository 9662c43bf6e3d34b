// A policy of your own: run it with --policy scenarios/policies/mine.ts, or :lanes=4 behind it.
import {definePolicy, z} from 'superkernel';

// Whoever has waited longest goes first, and takes along every ready kernel of the same shape.
export default definePolicy({
  name: 'mine',
  summary: 'the longest waiting kernel first, coalesced with its equals',
  source: 'an example',
  parameters: z.strictObject({
    lanes: z.int().min(1).max(64).default(2).describe('superkernels in flight'),
    'max-size': z.int().min(1).default(32).describe('most kernels in one superkernel'),
  }),
  create: (parameters) => ({
    name: 'mine',
    setup: {lanes: parameters.lanes},
    decide(situation) {
      const {ready, streams, lanes} = situation;
      for (let lane = lanes.idle(); lane >= 0; lane = lanes.idle()) {
        // The groups of equal kernels that have some ready; the first of each has waited longest.
        let oldest = -1;
        for (const group of ready.nonEmpty.subarray(0, ready.nonEmptyCount)) {
          const first = ready.first(group);
          if (oldest < 0 || streams.readyAt[first] < streams.readyAt[ready.first(oldest)]) oldest = group;
        }
        if (oldest < 0) return;
        situation.takeGroup(oldest, Math.min(parameters['max-size'], situation.maxSize));
        situation.launch(lane);
      }
    },
  }),
});
