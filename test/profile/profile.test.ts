// The profile format: what is accepted, and how faults are told.
import {describe, expect, test} from 'vitest';
import {profileNames, readProfile} from '../../src/experiment/profileFiles.ts';
import {parseProfile} from '../../src/profile/parseProfile.ts';
import {InputError} from '../../src/scheduler/errors.ts';

const valid = readProfile('v100');
/** The profile as plain data, changed in one place. */
function changed(change: (profile: Record<string, any>) => void): unknown {
  const copy = structuredClone(valid) as Record<string, any>;
  change(copy);
  return copy;
}
const faultOf = (value: unknown): string => {
  try {
    parseProfile(value, 'mine.json');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  return 'none';
};

describe('the profiles that ship', () => {
  test.each(profileNames())('%s is valid and explains every source', (name) => {
    expect(readProfile(name).name).toBe(name);
  });

  test.each(profileNames())('%s survives being written and read', (name) => {
    const profile = readProfile(name);
    expect(parseProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
  });

  test('an unknown name lists the known ones', () => {
    expect(() => readProfile('v101')).toThrow(/^unknown device profile: v101 \(known: .*v100/);
  });
});

describe('a faulty profile is refused with the place of the fault', () => {
  test('another schema version', () => {
    expect(faultOf(changed((p) => (p['schema_version'] = 2)))).toBe(
      'mine.json: schema_version: expected 1, got 2 (written by another version of superkernel)',
    );
  });

  test('a misspelt key, with the key that was probably meant', () => {
    const misspelt = changed((p) => {
      p['hardware'].dram_gb_per_sec = p['hardware'].dram_gb_per_s;
      delete p['hardware'].dram_gb_per_s;
    });
    expect(faultOf(misspelt)).toMatch(/dram_gb_per_s(: missing|ec"; did you mean "dram_gb_per_s"\?)/);
    expect(faultOf(changed((p) => (p['gemm'].fp32.single.tiles[0].stepns = 1)))).toBe(
      'mine.json: gemm.fp32.single.tiles.0: unknown key "stepns"; did you mean "step_ns"?',
    );
  });

  test('NaN and negative numbers', () => {
    expect(faultOf(changed((p) => (p['hardware'].sms.value = NaN)))).toMatch(
      /^mine\.json: hardware\.sms\.value: /,
    );
    expect(faultOf(changed((p) => (p['gemm'].fp32.batched.launch_ns = -1)))).toMatch(
      /^mine\.json: gemm\.fp32\.batched\.launch_ns: .*got -1$/,
    );
  });

  test('a tile to take turns with that the launch does not have', () => {
    expect(faultOf(changed((p) => (p['gemm'].fp32.batched.alternation.full = '32x64')))).toBe(
      'mine.json: gemm.fp32.batched.alternation.full: unknown tile "32x64" (known: 64x64, 32x128, 128x32)',
    );
  });

  test('a source that is not explained', () => {
    expect(faultOf(changed((p) => (p['host'].detect_ns.source = 'hearsay')))).toMatch(
      /^mine\.json: host\.detect_ns\.source: unknown source "hearsay" \(known: /,
    );
  });

  test('something that is no profile at all', () => {
    expect(faultOf(null)).toMatch(/^mine\.json: /);
    expect(faultOf([])).toMatch(/^mine\.json: /);
  });
});

test('no number of a profile is without a source', () => {
  const bare: string[] = [];
  const visit = (value: unknown, path: string, isSourced: boolean): void => {
    if (typeof value === 'number' && !isSourced) bare.push(path);
    if (typeof value !== 'object' || value === null) return;
    const sourced = isSourced || 'source' in value;
    for (const [key, child] of Object.entries(value)) visit(child, `${path}.${key}`, sourced);
  };
  const {schema_version: _, sources: __, ...rest} = valid;
  visit(rest, 'v100', false);
  expect(bare).toEqual([]);
});
