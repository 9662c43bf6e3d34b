// Simulated beside measured, as people read it.
import type {Table} from './table.ts';

interface Compared {
  readonly simulated: number;
  readonly measured: number;
  readonly error: number;
  readonly spread: number | null;
  readonly simulatedSpread: number | null;
}

/** What a row needs of a validated cell. */
export interface ValidationRow {
  readonly policy: string;
  readonly load: number | null;
  readonly metrics: Readonly<Partial<Record<string, Compared>>>;
  readonly attribution: {
    readonly costModel: number | null;
    readonly contention: number | null;
    readonly hostNs: number | null;
    readonly agreed: number;
  };
}

const columns = [
  {
    key: 'slo_attainment',
    name: 'attainment',
    unit: '%',
    scale: 100,
    error: (e: number) => `${e.toFixed(2)} pp`,
  },
  {
    key: 'latency_p50_ns',
    name: 'p50',
    unit: 'ms',
    scale: 1e-6,
    error: (e: number) => `${(100 * e).toFixed(1)} %`,
  },
  {
    key: 'latency_p99_ns',
    name: 'p99',
    unit: 'ms',
    scale: 1e-6,
    error: (e: number) => `${(100 * e).toFixed(1)} %`,
  },
  {
    key: 'throughput_per_s',
    name: 'throughput',
    unit: '/s',
    scale: 1,
    error: (e: number) => `${(100 * e).toFixed(1)} %`,
  },
] as const;

/** One row a policy and load; every metric as simulated, measured, error (and the GPU's own spread). */
export function validationTable(cells: readonly ValidationRow[]): Table {
  const percent = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);
  return {
    columns: [
      {name: 'policy', align: 'left'},
      {name: 'load', align: 'right'},
      ...columns.flatMap(({name, unit}) => [
        {name: `${name} sim`, unit, align: 'right' as const},
        {name: 'GPU', align: 'right' as const},
        {name: 'error (spreads)', align: 'right' as const},
      ]),
      {name: 'cost model', align: 'right'},
      {name: 'contention', align: 'right'},
      {name: 'host', unit: 'us', align: 'right'},
      {name: 'agreed', align: 'right'},
    ],
    rows: cells.map(({policy, load, metrics, attribution}) => ({
      cells: [
        policy,
        load === null ? '–' : String(load),
        ...columns.flatMap(({key, scale, error}) => {
          const metric = metrics[key];
          if (metric === undefined) return ['–', '–', '–'];
          const digits = scale === 1 ? 0 : 2;
          return [
            (metric.simulated * scale).toFixed(digits),
            (metric.measured * scale).toFixed(digits),
            `${error(metric.error)} (${[metric.simulatedSpread, metric.spread].map((spread) => (spread === null ? '–' : error(spread))).join(', ')})`,
          ];
        }),
        percent(attribution.costModel),
        percent(attribution.contention),
        attribution.hostNs === null ? '–' : (attribution.hostNs / 1e3).toFixed(1),
        percent(attribution.agreed),
      ],
    })),
    notes: [
      'error: simulated less measured; spreads: half the range between runs of the same arrivals, simulated and on the GPU (–: of one run).',
      'cost model, contention: error of the superkernels’ durations alone and beside others; host: of the time to submit one; agreed: share of the launches before the schedules first differ.',
    ],
  };
}
