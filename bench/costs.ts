// What a look-up in the cost model costs: remembered by class and size, and computed.
import {readProfile} from '../src/experiment/profileFiles.ts';
import {costModel} from '../src/profile/costModel.ts';
import {CostTable} from '../src/profile/costTable.ts';
import {KernelClasses, methods} from '../src/scheduler/kernel.ts';
import type {Gemm} from '../src/scheduler/kernel.ts';
import {startWatch} from './stopwatch.ts';

export interface BenchResult {
  readonly name: string;
  readonly unit: string;
  /** The median over rounds. */
  readonly value: number;
  /** What a tenth of the rounds stay below: neighbours on the machine leave some of them alone. */
  readonly undisturbed: number;
  /** What the value should not exceed. */
  readonly reference?: number;
}

const classCount = 200;
const maxSize = 128;
/** So many of the slowest look-ups, 25,600 of 2 us, take three seconds: longer than many a neighbour disturbs. */
const rounds = 60;

/** ns of the CPU a call of the V100 profile: `durationNs` remembered and computed, and the choice of the best method. */
export function run(): BenchResult[] {
  const model = costModel(readProfile('v100'));
  const classes = new KernelClasses();
  for (let i = 0; i < classCount; i++) classes.intern(shape(i));
  const table = new CostTable(model, classes, maxSize);
  const batched = methods.indexOf('batched');
  const cells = classCount * maxSize;
  const sweep = (visit: (cls: number, size: number) => number): number => {
    let sum = 0;
    // A stride that is prime to the sizes, so that neighbours in time are not neighbours in memory.
    for (let i = 0, at = 0; i < cells; i++, at = (at + 7919) % cells)
      sum += visit(at % classCount, 1 + (at % maxSize));
    return sum;
  };
  return [
    {
      name: 'costs: duration, remembered',
      unit: 'ns',
      ...nsPerCall(cells, () => sweep((cls, size) => table.durationNs(cls, size, batched))),
      reference: 200,
    },
    {
      name: 'costs: best method, remembered',
      unit: 'ns',
      ...nsPerCall(cells, () => sweep((cls, size) => table.bestNs(cls, size))),
      reference: 200,
    },
    {
      name: 'costs: duration of a batched launch, computed',
      unit: 'ns',
      ...nsPerCall(cells, () =>
        sweep((cls, size) => model.durationNs(classes.kernels[cls], size, 'batched')),
      ),
      reference: 2000,
    },
    {
      name: 'costs: duration of single launches, computed',
      unit: 'ns',
      ...nsPerCall(cells, () => sweep((cls, size) => model.durationNs(classes.kernels[cls], size, 'single'))),
      reference: 2000,
    },
    {
      name: 'costs: the same of a kernel not seen before',
      unit: 'ns',
      ...nsPerCall(cells, () => {
        let sum = 0;
        for (let i = 0; i < cells; i++) sum += model.durationNs(manyShapes(i), 1, 'single');
        return sum;
      }),
      reference: 2000,
    },
  ];
}

/** Of the CPU's time over rounds, the first of which warms up. */
function nsPerCall(calls: number, body: () => number): Pick<BenchResult, 'value' | 'undisturbed'> {
  const times: number[] = [];
  let sink = 0;
  for (let round = 0; round <= rounds; round++) {
    const elapsed = startWatch();
    sink += body();
    if (round > 0) times.push((elapsed().cpuSeconds * 1e9) / calls);
  }
  if (!(sink > 0)) throw new Error(`invalid sum of durations: ${sink} (expected above 0)`);
  times.sort((a, b) => a - b);
  return {value: times[rounds >> 1], undisturbed: times[Math.floor(rounds / 10)]};
}

/** Layers as models have them: a few hundred rows and columns, k up to some thousands. */
function shape(i: number): Gemm {
  return {
    op: 'gemm',
    m: 64 * (1 + (i % 16)),
    n: 1 + ((i * 37) % 784),
    k: 64 * (1 + ((i * 11) % 36)),
    count: 1,
    dtype: 'fp32',
  };
}

/** As `shape`, but each of 28,224 is another one. */
function manyShapes(i: number): Gemm {
  return {
    op: 'gemm',
    m: 16 * (1 + (i % 64)),
    n: 1 + ((i * 37) % 784),
    k: 32 * (1 + ((i * 11) % 72)),
    count: 1,
    dtype: 'fp32',
  };
}
