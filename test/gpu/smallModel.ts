import {KernelClasses} from '../../src/scheduler/kernel.ts';
import type {Kernel} from '../../src/scheduler/kernel.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import {Streams} from '../../src/scheduler/streams.ts';
import type {Tenant} from '../../src/scheduler/tenant.ts';

const gemm = (m: number, n: number, k: number, count = 1): Kernel => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

/**
 * Tenants of one model, whose batches are laid out when they are asked for. Its layers take turns: a product, several at
 * once, and from the third on a memory-bound kernel; unless they `repeat`, one is left out after nine.
 */
export function world(tenantCount: number, layers = 2, repeat = false) {
  const classes = new KernelClasses();
  const programs = new Programs();
  const starts = new Map<number, number>();
  const program = (batch: number): number => {
    const known = starts.get(batch);
    if (known !== undefined) return known;
    const kinds: Kernel[] = [
      gemm(16, 4 * batch, 32),
      gemm(8, 8, 8, 2 * batch),
      {op: 'elementwise', bytes: 256 * batch, dtype: 'fp32'},
    ];
    const ids = Array.from({length: layers}, (_, i) =>
      classes.intern(kinds[(i + (repeat ? 0 : Math.floor(i / 9))) % kinds.length]),
    );
    const start = programs.add(
      ids,
      ids.map(() => 1),
    );
    starts.set(batch, start);
    return start;
  };
  const tenants = Array.from({length: tenantCount}, (_, i): Tenant => ({
    name: `${i}`,
    model: 'm',
    family: 0,
    sloNs: 1,
    sloQuantile: 0.99,
    weight: 1,
    priority: 0,
    program,
  }));
  program(1);
  return {kernels: classes.kernels, tenants, run: {programs, streams: new Streams()}, program};
}
