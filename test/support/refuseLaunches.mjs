// Loaded before the program (NODE_OPTIONS=--import): has cuBLAS refuse a product of a negative size in place of five calls of
// REFUSE_CALL of each context, the one of number REFUSE_FROM and then every 40th, of which the GPU sees nothing.
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const addon = createRequire(import.meta.url)('node-gyp-build')(root);
const call = process.env['REFUSE_CALL'];
/** Beyond what is launched before the run. */
const from = Number(process.env['REFUSE_FROM']);
const fp32 = 0;

addon.Context = class extends addon.Context {
  constructor(...args) {
    super(...args);
    const real = this[call].bind(this);
    let calls = 0;
    const value = (lane, ticket, ...rest) => {
      const over = ++calls - from;
      if (over >= 0 && over < 200 && over % 40 === 0) this.submitGemm(lane, ticket, fp32, -1, 1, 1, 0, 0, 0);
      real(lane, ticket, ...rest);
    };
    Object.defineProperty(this, call, {value});
  }
};
