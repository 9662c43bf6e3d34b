import type {Costs} from '../scheduler/costs.ts';
import {methods} from '../scheduler/kernel.ts';
import {holding, kindOf} from '../scheduler/launchKinds.ts';
import {inUnits} from '../scheduler/shareUnits.ts';

/**
 * What the model says of a step, remembered: all that the device needs to know lies together, as every step of a run asks
 * for it.
 */
export class StepCosts {
  private readonly model: Costs;
  /** By size and method: records of the classes. */
  private readonly tables: (Float64Array | null)[] = [];

  constructor(model: Costs) {
    this.model = model;
  }

  /** The table that holds the record of the class, at its id times the width. */
  of(cls: number, size: number, method: number): Float64Array {
    const at = size * methods.length + method;
    const table = at < this.tables.length ? this.tables[at] : null;
    return table !== null && table[cls * width + durationOf] > 0 ? table : this.read(cls, size, method);
  }

  private read(cls: number, size: number, method: number): Float64Array {
    const {model, tables} = this;
    const at = size * methods.length + method;
    while (tables.length <= at) tables.push(null);
    const length = (cls + 1) * width;
    let table = tables[at];
    if (table === null || table.length < length) {
      const larger = new Float64Array(Math.max(length, 2 * (table?.length ?? 0)));
      if (table !== null) larger.set(table);
      table = tables[at] = larger;
    }
    const sm = model.smShare(cls, size, method);
    const share = Math.max(sm, model.bandwidthShare(cls, size, method));
    table[cls * width + durationOf] = model.durationNs(cls, size, method);
    table[cls * width + smOf] = inUnits(sm);
    table[cls * width + shareOf] = inUnits(share);
    const exposure = model.exposure(cls, size, method);
    table[cls * width + pressureOf] = inUnits(share * model.pressure(cls, size, method));
    table[cls * width + demandOf] = inUnits(share / exposure);
    table[cls * width + exposureOf] = exposure;
    table[cls * width + holdsOf] = kindOf(cls, size, method, model) === holding ? 1 : 0;
    return table;
  }
}

/** Entries of a record. */
export const width = 7;
/**
 * Its fields: the duration alone; the share of the SMs; of those or the bandwidth, whichever is more; the pressure; how much it
 * suffers from others; the share over that; whether it holds its place, 1 or 0.
 */
export const durationOf = 0;
export const smOf = 1;
export const shareOf = 2;
export const pressureOf = 3;
export const exposureOf = 4;
export const demandOf = 5;
export const holdsOf = 6;
