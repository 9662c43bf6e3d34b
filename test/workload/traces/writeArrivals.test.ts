// Exported arrivals are replayed exactly.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {drawArrivals} from '../../../src/workload/arrivals/draw.ts';
import {mergeArrivals} from '../../../src/workload/arrivals/merge.ts';
import {arrivalSchema} from '../../../src/workload/arrivals/schema.ts';
import {stream} from '../../../src/workload/random.ts';
import {parseTrace} from '../../../src/workload/traces/parseTrace.ts';
import {tenantArrivals} from '../../../src/workload/traces/tenants.ts';
import {writeArrivalsCsv} from '../../../src/workload/traces/writeArrivals.ts';
import {anyOpenProcess} from '../arrivals/processes.ts';

const name = fc
  .string({minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'b', ',', '"', 'é', ' ', "'", '/')})
  .filter((text) => text === text.trim());

describe('writeArrivalsCsv', () => {
  test.prop([fc.uniqueArray(name, {minLength: 1, maxLength: 5}), anyOpenProcess, fc.integer()])(
    'is read back as the same arrivals',
    (tenants, process, seed) => {
      const spec = arrivalSchema.parse(process);
      const perTenant = tenants.map((tenant) =>
        drawArrivals(spec, 3e9, stream(seed, `tenant/${tenant}/arrivals`)),
      );
      const merged = mergeArrivals(perTenant);
      fc.pre(merged.at.length > 0);
      const text = [...writeArrivalsCsv(merged, tenants)].join('');
      const replayed = tenantArrivals(parseTrace('run.csv', text), {rule: 'name', tenants});
      expect(replayed.arrivals).toEqual(perTenant);
      expect(mergeArrivals(replayed.arrivals)).toEqual(merged);
    },
  );

  test('writes many arrivals in few pieces', () => {
    const at = Float64Array.from({length: 100_000}, (_, i) => i);
    const pieces = [...writeArrivalsCsv({at, tenant: new Int32Array(100_000)}, ['a'])];
    expect(pieces.length).toBeLessThan(30);
    expect(pieces[0].startsWith('at_ns,tenant\n0,a\n1,a\n')).toBe(true);
  });

  test.each(['', ' a', 'a\nb', 'a\r'])('refuses the name %j, which would not be read back', (tenant) => {
    expect(() => [...writeArrivalsCsv({at: Float64Array.of(1), tenant: Int32Array.of(0)}, [tenant])]).toThrow(
      'invalid tenant name',
    );
  });
});
