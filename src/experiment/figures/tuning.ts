import type {Comparison, Published} from '../../report/figures/figure.ts';
import type {FigureDefinition} from './definition.ts';
import type {KernelChoice, Shape, Source} from './source.ts';

/** ResNet-18's conv2_2; the paper does not say whose kernel its table is about. */
const shape: Shape = {m: 256, n: 128, k: 1152};

/** How many tenants count as multiplexed; the paper does not say. */
const tenantCounts = [2, 4, 8, 16];
const multiplexed = 16;

interface Tuned {
  readonly kernel: KernelChoice;
  readonly alone: number;
  /** FLOP/s of all tenants together, by place in `tenantCounts`. */
  readonly together: readonly number[];
}

/** Kernels tuned for the device alone against kernels tuned for company. */
export const tuning: FigureDefinition = {
  name: 'tuning',
  title: 'Kernels tuned for the device alone, and for company',
  citation: '[OoO] table 1',
  async make(source) {
    const tuned: Tuned[] = [];
    for (const kernel of source.kernels()) {
      const found = await tune(source, kernel);
      if (found !== null) tuned.push(found);
    }
    const at = tenantCounts.indexOf(multiplexed);
    const greedy = most(tuned, ({alone}) => alone);
    const collaborative = most(tuned, ({together}) => together[at]);
    return {
      columns: ['launch', 'tile', 'most_splits', 'chosen', 'tenants', 'tflop_per_s'],
      rows: tuned.flatMap((each) => {
        const {launch, tile, splits} = each.kernel;
        const chosen = [each === greedy ? 'greedy' : '', each === collaborative ? 'collaborative' : ''];
        const name = chosen.filter((word) => word !== '').join(' and ');
        return [each.alone, ...each.together].map((flops, i) => [
          launch,
          tile,
          splits,
          name,
          i === 0 ? 1 : tenantCounts[i - 1],
          flops / 1e12,
        ]);
      }),
      chart: {
        kind: 'panels',
        panels: [
          {
            title: `${shape.m} × ${shape.n} × ${shape.k}`,
            x: {name: 'kernel', labels: ['greedy', 'collaborative']},
            y: {name: 'TFLOP/s'},
            series: [
              {name: 'alone', kind: 'bars', marks: barsOf([greedy?.alone, collaborative?.alone])},
              {
                name: `${multiplexed} tenants`,
                kind: 'bars',
                marks: barsOf([greedy?.together[at], collaborative?.together[at]]),
              },
            ],
          },
        ],
      },
      comparisons: comparisonsOf(greedy, collaborative, at),
      notes: notesOf(greedy, collaborative),
    };
  },
};

async function tune(source: Source, kernel: KernelChoice): Promise<Tuned | null> {
  const ask = async (tenants: number): Promise<number | null> =>
    (await source.saturated({shape, tenants, scheme: 'space-only', kernel}))?.flops ?? null;
  const alone = await ask(1);
  if (alone === null) return null;
  const together: number[] = [];
  for (const tenants of tenantCounts) {
    const flops = await ask(tenants);
    if (flops === null) return null;
    together.push(flops);
  }
  return {kernel, alone, together};
}

function most(tuned: readonly Tuned[], value: (each: Tuned) => number): Tuned | undefined {
  let best: Tuned | undefined;
  for (const each of tuned) if (best === undefined || value(each) > value(best)) best = each;
  return best;
}

function comparisonsOf(
  greedy: Tuned | undefined,
  collaborative: Tuned | undefined,
  at: number,
): Comparison[] {
  const row = (quantity: string, unit: string, published: Published | null, ours?: number): Comparison => ({
    quantity,
    unit,
    published,
    ours: ours ?? null,
  });
  const tera = (flops: number | undefined): number | undefined =>
    flops === undefined ? flops : flops / 1e12;
  const over = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : a / b;
  const [alone, beside] = [greedy?.alone, greedy?.together[at]];
  const [tunedAlone, tunedBeside] = [collaborative?.alone, collaborative?.together[at]];
  return [
    row('greedy kernel, alone', 'TFLOP/s', {value: 2.2}, tera(alone)),
    row('greedy kernel, multiplexed', 'TFLOP/s', {value: 4.5}, tera(beside)),
    row('collaborative kernel, alone', 'TFLOP/s', {value: 1.5}, tera(tunedAlone)),
    row('collaborative kernel, multiplexed', 'TFLOP/s', {value: 6.1}, tera(tunedBeside)),
    // The text says 1.25, the table's own values 6.1 / 4.5.
    row('gain of collaboration, multiplexed', 'x', {value: 1.25}, over(tunedBeside, beside)),
    row('its price, alone', 'x', {value: 1.5 / 2.2}, over(tunedAlone, alone)),
  ];
}

const barsOf = (values: readonly (number | undefined)[]) =>
  values.map((value, x) => ({x, y: value === undefined ? null : value / 1e12}));

function notesOf(greedy: Tuned | undefined, collaborative: Tuned | undefined): string[] {
  if (greedy === undefined || collaborative === undefined)
    return ['The device’s library chooses its kernels itself and cannot be told which to use.'];
  const name = ({launch, tile, splits}: KernelChoice): string =>
    `${launch} ${tile}, k in at most ${splits} ${splits === 1 ? 'part' : 'parts'}`;
  return [
    `Kernels are the profile’s tiles of cuBLAS and the parts into which they split k; the paper tuned kernels of its own with TVM. Greedy: ${name(greedy.kernel)}; collaborative: ${name(collaborative.kernel)}.`,
    `Multiplexed is ${multiplexed} tenants on streams or under MPS; time of the device alone, without the host.`,
    'The published gain is 1.25 in the text and 6.1 / 4.5 = 1.36 by the table’s own values.',
  ];
}
