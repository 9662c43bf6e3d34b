// Every policy of the table, with its defaults and with parameters that change how it works, keeps the contract.
import {expect, test} from 'vitest';
import {policies} from '../../src/policies/table.ts';
import type {LanePromise} from '../contracts/policy.ts';
import {deviceBusy, noLaneIdle, noOwnLaneIdle, policyContract, withoutHost} from '../contracts/policy.ts';

const nothing: LanePromise = () => undefined;

const cases: [string, LanePromise][] = [
  ['exclusive', deviceBusy],
  ['exclusive:gpus=own,order=arrival', deviceBusy],
  ['exclusive:max-batch=3,across-replicas=false', deviceBusy],
  ['time-slice', noOwnLaneIdle],
  ['time-slice:run-ahead=1', noOwnLaneIdle],
  ['mps', noOwnLaneIdle],
  ['streams', noOwnLaneIdle],
  ['streams:queue-depth=2', noOwnLaneIdle],
  ['streams:lanes=2,host-threads=shared,run-ahead=2', noOwnLaneIdle],
  ['batcher', deviceBusy],
  ['batcher:preferred=[2,4],max-queue-delay=3us,instances=2', nothing],
  ['batcher:max-batch=4,timeout=5us', nothing],
  ['batcher:max-batch=4,timeout=5us,timeout-action=delay', deviceBusy],
  ['greedy', noLaneIdle],
  ['greedy:lanes=1,max-size=3', noLaneIdle],
  ['greedy:coalesce=cluster', noLaneIdle],
  ['greedy:run-ahead=4', noLaneIdle],
  ['slo:run-ahead=request', noLaneIdle],
  ['delay:run-ahead=2', nothing],
  ['delay', nothing],
  ['delay:coalesce=cluster', nothing],
  ['delay:condition=immediately', noLaneIdle],
  ['delay:condition=frontrun,jitter=1us', nothing],
  ['delay:condition=latest,jitter=1us', nothing],
  ['delay:condition=size,target=3', nothing],
  ['delay:condition=age,max-delay=2us', nothing],
  ['slo', noLaneIdle],
  ['slo:coalesce=none,lanes=3', noLaneIdle],
  ['slo:coalesce=cluster', noLaneIdle],
  ['ooo', deviceBusy],
  ['ooo:quantum=1us,interference=0', deviceBusy],
  ['ooo:coalesce=cluster', deviceBusy],
  ['ooo:lanes=1,max-size=4', deviceBusy],
  ['evict', deviceBusy],
  ['evict(slo):slowdown=1.1,deviations=1,patience=1,probe-every=10us', deviceBusy],
  ['evict(exclusive):slowdown=1.1,deviations=1,patience=1,probe-every=10us', nothing],
  ['evict(mps:run-ahead=1):slowdown=1.1,deviations=1,patience=1,probe-every=10us', deviceBusy],
  ['evict(delay):action=drop,slowdown=1.1,deviations=1,patience=1,probe-every=10us', nothing],
  ['evict(batcher):action=drop,slowdown=1.1,deviations=1,patience=1,probe-every=10us', nothing],
];

test('covers every policy of the table', () => {
  expect(new Set(cases.map(([text]) => /^[\w-]+/.exec(text)![0]))).toEqual(new Set(policies.keys()));
});

test('the contract finds out who touches the host', () => {
  for (const touch of [() => Date.now(), () => new Date(), () => performance.now(), () => Math.random()])
    expect(() => withoutHost(touch)).toThrow('touched the host');
});

for (const [text, promise] of cases) policyContract(text, promise);
