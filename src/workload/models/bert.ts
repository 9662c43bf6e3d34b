import {InputError} from '../../scheduler/errors.ts';
import {LayerList} from './layerList.ts';
import type {Model} from './layer.ts';

// BERT-base, Devlin et al. 2019, section 3; the vocabulary is that of the uncased release.
const layers = 12;
const hidden = 768;
const heads = 12;
const inner = 3072;
const vocabulary = 30522;
/** Longest sequence that has position embeddings. */
const positions = 512;
const segments = 2;

/** BERT-base over one sequence of `tokens` tokens, 1 to 512. Attention is not fused into one kernel. */
export function bertBase(tokens: number): Model {
  if (!Number.isInteger(tokens) || tokens < 1 || tokens > positions) {
    throw new InputError(
      `invalid sequence length: ${tokens} (expected a whole number from 1 to ${positions})`,
    );
  }
  const net = new LayerList();
  const state = tokens * hidden;
  // Gathers and adds three embeddings a token and normalises: three rows in, one out.
  net.pass('embeddings', 4 * state, (vocabulary + positions + segments + 2) * hidden);
  for (let i = 0; i < layers; i++) {
    const name = `layer${i}`;
    for (const projection of ['query', 'key', 'value'])
      net.linear(`${name}.${projection}`, tokens, hidden, hidden);
    // Strided batches read the heads in place, so no transposing kernel stands between projection and attention.
    net.multiply(`${name}.scores`, tokens, tokens, hidden / heads, heads);
    net.pass(`${name}.softmax`, 2 * heads * tokens * tokens);
    net.multiply(`${name}.context`, hidden / heads, tokens, tokens, heads);
    net.linear(`${name}.attn_out`, tokens, hidden, hidden);
    net.pass(`${name}.attn_norm`, 3 * state, 2 * hidden);
    net.linear(`${name}.ffn1`, tokens, hidden, inner);
    net.pass(`${name}.gelu`, 2 * tokens * inner);
    net.linear(`${name}.ffn2`, tokens, inner, hidden);
    net.pass(`${name}.ffn_norm`, 3 * state, 2 * hidden);
  }
  // The pooler projects the first token only.
  net.linear('pooler', 1, hidden, hidden);
  return {
    name: `bert-base-${tokens}`,
    title: `BERT-base, ${tokens} tokens`,
    description: `text encoder, one sequence of ${tokens} tokens; 12 layers of 12 heads`,
    layers: net.layers,
    source: 'Devlin et al. 2019, arXiv 1810.04805; transformers BertModel, bert-base-uncased',
  };
}
