// A TensorFlow.js of our own, with a device whose times are known: what hands operations over, and works them off in order.
import type {LoadedTensorFlow, Tensor, TensorFlow} from '../../../src/gpu/tensorflow/library.ts';

export interface StubTimes {
  /** Host time to hand an operation over. */
  readonly dispatchNs: number;
  /** Device time of a product or pass by its number of multiply-adds, or elements. */
  readonly deviceNs: (work: number) => number;
  /** Host time of a read, once the value is there. */
  readonly readNs: number;
}

/** The library on a clock of its own. */
export class StubTensorFlow implements TensorFlow {
  readonly version = {tfjs: '0.0.0'};
  /** Tensors that nobody has disposed. */
  living = 0;
  /** Operations run. */
  calls = 0;
  private now = 0;
  private deviceFreeAt = 0;
  private readonly times: StubTimes;

  constructor(times: StubTimes) {
    this.times = times;
  }

  readonly nowNs = (): number => this.now;
  readonly setBackend = (): Promise<boolean> => Promise.resolve(true);
  readonly ready = (): Promise<void> => Promise.resolve();
  readonly getBackend = (): string => 'stub';
  readonly backend = (): object => ({isUsingGpuDevice: true});
  readonly enableProdMode = (): void => {};
  readonly randomUniform = (shape: readonly number[]): Tensor => this.tensor(shape, 0);
  readonly slice = (_x: Tensor, _begin: readonly number[], size: readonly number[]): Tensor =>
    this.tensor(size, this.deviceFreeAt);

  readonly matMul = (a: Tensor, b: Tensor): Tensor => {
    const products = a.shape.slice(0, -2);
    const [n, k] = a.shape.slice(-2);
    const m = b.shape.at(-1)!;
    if (b.shape.at(-2) !== k || b.shape.slice(0, -2).join() !== products.join())
      throw new Error(`no product of ${a.shape.join('x')} and ${b.shape.join('x')}`);
    return this.perform([...products, n, m], products.reduce((all, each) => all * each, 1) * m * n * k);
  };

  readonly relu = (x: Tensor): Tensor => this.perform(x.shape, x.shape[0]);
  readonly add = (a: Tensor): Tensor => this.perform(a.shape, a.shape[0]);

  get loaded(): LoadedTensorFlow {
    return {tf: this, title: 'a stub'};
  }

  private perform(shape: readonly number[], work: number): Tensor {
    this.calls++;
    this.now += this.times.dispatchNs;
    this.deviceFreeAt = Math.max(this.now, this.deviceFreeAt) + this.times.deviceNs(work);
    return this.tensor(shape, this.deviceFreeAt);
  }

  private tensor(shape: readonly number[], readyAt: number): Tensor {
    this.living++;
    return {
      shape,
      data: () => {
        this.now = Math.max(this.now, readyAt) + this.times.readNs;
        return Promise.resolve([0]);
      },
      dispose: () => {
        this.living--;
      },
    };
  }
}
