// Garbage before and during live runs.
import {once} from 'node:events';
import {setImmediate} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import {expect, test} from 'vitest';
import {collectGarbage, makeRoomForGarbage} from '../../src/experiment/quietV8.ts';

test('what is no longer used is gone once garbage has been collected', async () => {
  const used = {what: 'used'};
  const unused = new WeakRef({what: 'unused'});
  // A weak reference holds what it was made with until the job is over.
  await setImmediate();
  collectGarbage('major');
  expect(unused.deref()).toBeUndefined();
  expect(used.what).toBe('used');
});

test('threads made after there is room for garbage begin with it', async () => {
  makeRoomForGarbage();
  const sizes = `require('node:worker_threads').parentPort.postMessage(
    require('node:v8').getHeapSpaceStatistics().find(({space_name}) => space_name === 'new_space').space_size)`;
  const [bytes] = (await once(new Worker(sizes, {eval: true}), 'message')) as [number];
  expect(bytes).toBeGreaterThanOrEqual(32 << 20);
});
