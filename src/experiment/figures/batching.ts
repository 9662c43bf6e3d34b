import type {FigureDefinition} from './definition.ts';
import type {BatchTiming, Source} from './source.ts';

const model = 'resnet-50';
const sloNs = 100e6;
/** The largest batch within the SLO in the paper. */
const publishedBatch = 26;
const batches = [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 26, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192];
const fewBatches = [1, 8, 26, 128, 192];
/** Beyond this we stop looking. */
const mostBatch = 512;

/** What batching buys and costs: latency and throughput of one model against its batch size. */
export const batching: FigureDefinition = {
  name: 'batching',
  title: 'ResNet-50: latency and throughput against batch size',
  citation: '[ST] fig. 2, [OoO] fig. 3',
  async make(source, {quick}) {
    const sizes = quick ? fewBatches : batches;
    const points: {batch: number; timing: BatchTiming}[] = [];
    for (const batch of sizes) {
      const timing = await source.batchLatency({model, batch});
      if (timing !== null) points.push({batch, timing});
    }
    const published = await source.batchLatency({model, batch: publishedBatch});
    const largest = await largestWithin(source);
    const share = ({latencyNs, flops}: BatchTiming): number =>
      (100 * flops) / (latencyNs / 1e9) / source.peakFlops;
    const ms = (timing: BatchTiming): number => timing.latencyNs / 1e6;
    const marks = (value: (point: (typeof points)[number]) => number) =>
      points.map((point) => ({x: point.batch, y: value(point)}));
    const perSecond = ({batch, timing}: (typeof points)[number]): number => batch / (timing.latencyNs / 1e9);
    return {
      columns: ['batch', 'latency_ms', 'images_per_s', 'tflop_per_s', 'share_of_peak'],
      rows: points.map((point) => {
        const {batch, timing} = point;
        const {latencyNs, flops} = timing;
        return [batch, ms(timing), perSecond(point), flops / latencyNs / 1e3, share(timing) / 100];
      }),
      chart: {
        kind: 'panels',
        panels: [
          {
            title: 'latency',
            x: {name: 'batch size', from: 0},
            y: {name: 'ms'},
            series: [{name: model, kind: 'line', marks: marks(({timing}) => ms(timing))}],
            levels: [{y: sloNs / 1e6, text: 'SLO of the paper'}],
          },
          {
            title: 'throughput',
            x: {name: 'batch size', from: 0},
            y: {name: 'images/s'},
            series: [{name: model, kind: 'line', marks: marks(perSecond)}],
          },
          {
            title: 'share of peak',
            x: {name: 'batch size', from: 0},
            y: {name: '% of peak FLOP/s'},
            series: [{name: model, kind: 'line', marks: marks(({timing}) => share(timing))}],
            levels: [{y: 28, text: 'published at batch 26'}],
          },
        ],
      },
      comparisons: [
        {
          quantity: 'largest batch within 100 ms',
          unit: '',
          published: {value: publishedBatch},
          ours: largest?.batch ?? null,
        },
        {
          quantity: 'latency of batch 26',
          unit: 'ms',
          published: {value: 100, bound: 'at most'},
          ours: published === null ? null : ms(published),
        },
        {
          quantity: 'share of peak, batch 26',
          unit: '%',
          published: {value: 28},
          ours: published === null ? null : share(published),
        },
        {
          quantity: 'share of peak, largest batch within 100 ms',
          unit: '%',
          published: {value: 28},
          ours: largest === null ? null : share(largest.timing),
        },
      ],
      notes: [
        'One tenant owns the device; a FLOP is a multiply or an add, so that an image of ResNet-50 is 8.2 GFLOP.',
        'The published values do not agree with each other at that count: 26 images in 100 ms are 2.1 TFLOP/s, 14 % of 15.7; 28 % would be 26 images in 48 ms.',
      ],
    };
  },
};

/** The largest batch that ends within the SLO, by bisection; null where none does or all do. */
async function largestWithin(source: Source): Promise<{batch: number; timing: BatchTiming} | null> {
  const within = async (batch: number): Promise<BatchTiming | null> => {
    const timing = await source.batchLatency({model, batch});
    return timing !== null && timing.latencyNs <= sloNs ? timing : null;
  };
  let low = {batch: 1, timing: await within(1)};
  let high = mostBatch;
  if (low.timing === null || (await within(mostBatch)) !== null) return null;
  while (high - low.batch > 1) {
    const batch = (low.batch + high) >> 1;
    const timing = await within(batch);
    if (timing === null) high = batch;
    else low = {batch, timing};
  }
  return {batch: low.batch, timing: low.timing!};
}
