// What is ready, by group: the most urgent kernel of all that can be in time comes first, whatever was launched in between.
import {fc, test} from '@fast-check/vitest';
import {expect} from 'vitest';
import {Seeds} from '../../src/policies/seeds.ts';
import {Timeliness} from '../../src/policies/timeliness.ts';
import type {Situation} from '../../src/scheduler/policy.ts';
import {SlotLists} from '../../src/scheduler/slotLists.ts';
import {Streams, streamStates} from '../../src/scheduler/streams.ts';

const {ready: READY, running} = streamStates;
const groups = 5;
/** What every request takes, alone and as planned. */
const aloneNs = 100;
const sloNs = 1_000;

class World {
  now = 0;
  readonly streams = new Streams();
  readonly ready = new SlotLists(groups, this.streams.capacity);
  readonly programs = {remainingNs: [aloneNs]};
  readonly tenants = [{model: 'toy', sloNs}];

  latestStart(slot: number): number {
    return this.streams.deadlineAt[slot] - aloneNs;
  }

  /** A kernel becomes ready whose request has `left` until its deadline, and has begun or not. */
  arrive(group: number, left: number, hasBegun: boolean): number {
    const {streams, ready} = this;
    const slot = streams.allocate(0, 0, this.now + left, 0, 1);
    if (slot >= ready.slots) ready.growSlots(streams.capacity);
    streams.state[slot] = READY;
    streams.stamp[slot]++;
    if (hasBegun) streams.startedAt[slot] = this.now;
    ready.append(group, slot);
    return slot;
  }

  launch(slot: number): void {
    this.ready.remove(slot);
    this.streams.state[slot] = running;
  }
}

const step = fc.record({
  what: fc.constantFrom('arrive', 'arrive', 'arrive', 'launch', 'choose', 'gather', 'wait'),
  group: fc.nat(groups - 1),
  number: fc.nat(1_500),
  hasBegun: fc.boolean(),
});

test.prop([fc.array(step, {maxLength: 400})])(
  'chooses the least slack of those that can be in time, else of the late ones; every kernel is chosen once',
  (steps) => {
    const world = new World();
    const situation = world as unknown as Situation;
    const timeliness = new Timeliness(situation);
    const seeds = new Seeds(timeliness, () => aloneNs, 0);
    const waiting = new Set<number>();
    const launch = (slot: number): void => {
      world.launch(slot);
      waiting.delete(slot);
    };
    /** Those given up stay so, also where they could be in time again. */
    const givenUp = new Set<number>();
    const isOnTime = (slot: number): boolean =>
      !givenUp.has(slot) && timeliness.isInTime(slot, aloneNs, situation);
    const expectChoice = (): number => {
      const slot = seeds.choose(situation);
      const onTime = [...waiting].filter(isOnTime);
      for (const other of waiting) if (!isOnTime(other) && slot !== other) givenUp.add(other);
      const among = onTime.length > 0 ? onTime : [...waiting];
      if (among.length === 0) expect(slot).toBe(-1);
      else {
        expect(waiting.has(slot)).toBe(true);
        expect(world.latestStart(slot)).toBe(Math.min(...among.map((other) => world.latestStart(other))));
      }
      return slot;
    };
    for (const {what, group, number, hasBegun} of steps) {
      if (what === 'arrive') {
        const slot = world.arrive(group, number, hasBegun);
        waiting.add(slot);
        seeds.push(slot, situation);
      } else if (what === 'wait') {
        world.now += number / 10;
      } else if (what === 'launch') {
        const slot = [...waiting][number % Math.max(1, waiting.size)];
        if (slot !== undefined) launch(slot);
      } else if (what === 'choose') {
        const slot = expectChoice();
        if (slot >= 0 && number % 2 === 0) launch(slot);
      } else if (world.ready.count[group] > 0) {
        const slot = seeds.groups[group].take(number % 2 === 0, aloneNs, timeliness, situation);
        seeds.noteFirst(group);
        expect(world.ready.list(slot)).toBe(group);
        launch(slot);
      }
    }
    while (waiting.size > 0) launch(expectChoice());
    expect(seeds.choose(situation)).toBe(-1);
  },
);
