// Lists of slots against arrays of arrays.
import {fc, test} from '@fast-check/vitest';
import {expect} from 'vitest';
import {SlotLists} from '../../src/scheduler/slotLists.ts';

const step = fc.record({
  what: fc.constantFrom('append', 'append', 'append', 'remove', 'removeFirst', 'growSlots', 'growLists'),
  list: fc.nat(5),
  slot: fc.nat(20),
});

test.prop([fc.array(step, {maxLength: 200})])('hold what was appended, first come first', (steps) => {
  const lists = new SlotLists(4, 16);
  const model: number[][] = Array.from({length: 4}, () => []);
  let slots = 16;
  for (const {what, list, slot} of steps) {
    const holder = model.findIndex((members) => members.includes(slot));
    if (what === 'growSlots') lists.growSlots((slots = Math.max(slots, 21)));
    else if (what === 'growLists') {
      lists.growLists(6);
      while (model.length < 6) model.push([]);
    } else if (what === 'append' && list < model.length && slot < slots && holder < 0) {
      lists.append(list, slot);
      model[list].push(slot);
    } else if (what === 'remove' && holder >= 0) {
      lists.remove(slot);
      model[holder] = model[holder].filter((other) => other !== slot);
    } else if (what === 'removeFirst' && list < model.length && model[list].length > 0) {
      const n = 1 + (slot % model[list].length);
      const out = new Int32Array(n + 2);
      lists.removeFirst(list, n, out, 1);
      expect([...out.subarray(1, n + 1)]).toEqual(model[list].splice(0, n));
    }
    expect(lists.total).toBe(model.flat().length);
    expect([...lists.nonEmpty.subarray(0, lists.nonEmptyCount)].toSorted((a, b) => a - b)).toEqual(
      model.flatMap((members, i) => (members.length > 0 ? [i] : [])),
    );
    for (const [i, members] of model.entries()) {
      const walked: number[] = [];
      for (let at = lists.first(i); at >= 0; at = lists.next(at)) walked.push(at);
      expect(walked).toEqual(members);
      expect(lists.count[i]).toBe(members.length);
      for (const member of members) expect(lists.list(member)).toBe(i);
    }
  }
});
