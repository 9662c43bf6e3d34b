import {InputError} from '../../scheduler/errors.ts';
import {LayerList} from './layerList.ts';
import {gateElements} from './lstm.ts';
import type {Model} from './layer.ts';

// GNMT, Wu et al. 2016: eight layers of 1024 units on both sides; the vocabulary is that of the MLPerf benchmark.
const hidden = 1024;
const depth = 8;
const vocabulary = 32320;
/** Residual connections start at this layer (section 3.1). */
const firstResidual = 3;

/**
 * One encoder and one decoder time step of GNMT that attends to a source sentence of `sourceTokens` tokens (1 to 1024,
 * of the order of a news sentence unless told). Each cell is one GEMM over its input and state side by side.
 */
export function gnmtStep(sourceTokens = 32): Model {
  if (!Number.isInteger(sourceTokens) || sourceTokens < 1 || sourceTokens > 1024) {
    throw new InputError(`invalid source length: ${sourceTokens} (expected a whole number from 1 to 1024)`);
  }
  const net = new LayerList();
  net.pass('enc.embedding', 2 * hidden, vocabulary * hidden);
  cell(net, 'enc.l1.fwd', 1, hidden);
  cell(net, 'enc.l1.bwd', 1, hidden);
  // Layer 2 reads both directions of the bidirectional first layer.
  for (let i = 2; i <= depth; i++) cell(net, `enc.l${i}`, i, i === 2 ? 2 * hidden : hidden);

  net.pass('dec.embedding', 2 * hidden, vocabulary * hidden);
  cell(net, 'dec.l1', 1, hidden);
  net.linear('dec.attn.query', 1, hidden, hidden, false);
  attend(net, sourceTokens);
  // Every further layer reads the layer below and the attention context.
  for (let i = 2; i <= depth; i++) cell(net, `dec.l${i}`, i, 2 * hidden);
  net.linear('dec.classifier', 1, hidden, vocabulary, false);
  net.pass('dec.softmax', 2 * vocabulary);
  return {
    name: 'gnmt-step',
    title: 'GNMT, one encoder and one decoder step',
    description: 'translation, 8 + 8 LSTM layers of 1024 units; long chains of matrix-vector products',
    layers: net.layers,
    source: 'Wu et al. 2016, arXiv 1609.08144; shapes read from the paper, vocabulary of MLPerf',
  };
}

function cell(net: LayerList, name: string, layer: number, inputs: number): void {
  net.linear(name, 1, inputs + hidden, 4 * hidden);
  const residual = layer >= firstResidual ? hidden : 0;
  net.pass(`${name}.gates`, gateElements(hidden) + residual);
}

/**
 * Additive attention. Its key projection runs once a sentence, not once a step, so that it has parameters here but no
 * kernel; so has the vector that turns the sum of key and query into a score.
 */
function attend(net: LayerList, sourceTokens: number): void {
  const keys = sourceTokens * hidden;
  net.pass('dec.attn.scores', keys + hidden + sourceTokens, hidden * hidden + hidden);
  net.pass('dec.attn.context', keys + sourceTokens + hidden);
}
