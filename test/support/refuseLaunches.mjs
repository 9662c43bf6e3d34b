// Loaded before the program (NODE_OPTIONS=--import): has cuBLAS refuse a product of a negative size in place of five calls of
// REFUSE_CALL of each context, the one of number REFUSE_FROM of a run and then every 40th, of which the GPU sees nothing.
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const addon = createRequire(import.meta.url)('node-gyp-build')(root);
const call = process.env['REFUSE_CALL'];
const from = Number(process.env['REFUSE_FROM']);
const fp32 = 0;

addon.Context = class extends addon.Context {
  constructor(...args) {
    super(...args);
    let calls = 0;
    // A run begins where everything is waited for, twice, with no launch in between.
    let isRun = false;
    let isWaitedFor = false;
    const around = (name, before) => {
      const real = this[name].bind(this);
      const value = (...args) => {
        before(...args);
        real(...args);
      };
      Object.defineProperty(this, name, {value});
    };
    for (const name of ['launchGraphs', 'submitSequence', 'submitGemm', 'begin']) {
      around(name, (lane, ticket) => {
        isWaitedFor = false;
        if (!isRun || name !== call) return;
        const over = ++calls - from;
        if (over >= 0 && over < 200 && over % 40 === 0)
          super.submitGemm(lane, ticket, fp32, -1, 1, 1, 0, 0, 0);
      });
    }
    around('synchronize', (lane) => {
      if (lane !== undefined) return;
      isRun = isWaitedFor;
      isWaitedFor = true;
      calls = 0;
    });
  }
};
