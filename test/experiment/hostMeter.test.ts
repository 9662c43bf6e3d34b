// What a live run's host took: pauses of the garbage collector count from when the run begins.
import {setTimeout} from 'node:timers/promises';
import {expect, test} from 'vitest';
import {HostMeter} from '../../src/experiment/hostMeter.ts';
import {collectGarbage} from '../../src/experiment/quietV8.ts';

test('pauses while a run is set up do not count, whenever they are told; those of the run do', async () => {
  const meter = new HostMeter({now: () => 0});
  collectGarbage('major');
  await setTimeout(20);
  collectGarbage('major');
  meter.begin();
  expect((await meter.end()).gc).toEqual({pauses: 0, totalNs: 0, longestNs: 0});

  const other = new HostMeter({now: () => 0});
  await setTimeout(1);
  other.begin();
  await setTimeout(1);
  collectGarbage('major');
  const {gc} = await other.end();
  expect(gc.pauses).toBeGreaterThan(0);
  expect(gc.longestNs).toBeLessThanOrEqual(gc.totalNs);
});
