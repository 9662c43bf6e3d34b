import {InputError} from '../../scheduler/errors.ts';
import {LayerList} from './layerList.ts';
import type {Model} from './layer.ts';

/** The largest power of two at which the weights of four gates are fewer than 2^31 elements. */
const maxHidden = 16384;

/** One time step of an LSTM cell whose input is as wide as its state, 1 to 16384. */
export function lstm(hidden: number): Model {
  if (!Number.isInteger(hidden) || hidden < 1 || hidden > maxHidden) {
    throw new InputError(`invalid hidden size: ${hidden} (expected a whole number from 1 to ${maxHidden})`);
  }
  const net = new LayerList();
  net.linear('x', 1, hidden, 4 * hidden);
  net.linear('h', 1, hidden, 4 * hidden);
  net.pass('gates', gateElements(hidden));
  return {
    name: `lstm-${hidden}`,
    title: `LSTM cell, ${hidden} units`,
    description: 'one time step; matrix-vector products at batch 1, memory-bound',
    layers: net.layers,
    source: 'Hochreiter & Schmidhuber 1997; PyTorch LSTMCell',
  };
}

/**
 * Elements that a cell's gate kernel touches: four gates (the second product accumulates onto the first) and the old
 * cell state in, the new cell and hidden states out.
 */
export function gateElements(hidden: number): number {
  return (4 + 1 + 2) * hidden;
}
