import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Kernel, Method} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';

/** Where a run's predictions come from, and how far they can be trusted. */
export interface Predictions {
  readonly costs: Pick<Costs, 'durationNs'>;
  /** Whether a superkernel lies outside what the profile was fitted on or measured, as `CostModel.isExtrapolated`. */
  isExtrapolated(kernel: Kernel, size: number, method: Method): boolean;
}

const inside = 1;
const outside = 2;

/** Predicted device time of a run's launches, and how much of it is extrapolated. */
export class ExtrapolatedTime {
  totalNs: Nanoseconds = 0;
  extrapolatedNs: Nanoseconds = 0;
  private readonly kernels: readonly Kernel[];
  private readonly predictions: Predictions;
  /** By class and method, then size: `inside`, `outside`, or 0 where nobody has asked yet. */
  private readonly known: Uint8Array[] = [];

  /** `kernels` by class id; may grow during the run. */
  constructor(kernels: readonly Kernel[], predictions: Predictions) {
    this.kernels = kernels;
    this.predictions = predictions;
  }

  /** `classes[cursor]` is the class of the first member's first step, and behind it are those of the steps to follow. */
  add(launch: Launch, classes: Int32Array | null, cursor: number): void {
    const {size, steps, method, predictedNs} = launch;
    this.totalNs += predictedNs;
    let firstNs = predictedNs;
    if (steps > 1 && classes !== null) {
      for (let step = 1; step < steps; step++) {
        const cls = classes[cursor + step];
        const ns = this.predictions.costs.durationNs(cls, size, method);
        firstNs -= ns;
        if (this.isOutside(cls, size, method)) this.extrapolatedNs += ns;
      }
    }
    if (this.isFirstOutside(launch)) this.extrapolatedNs += firstNs;
  }

  /** Mixed shapes are as good as the one that is known least. */
  private isFirstOutside({cls, classes, size, method}: Launch): boolean {
    if (cls >= 0) return this.isOutside(cls, size, method);
    for (let i = 0; i < size; i++) if (this.isOutside(classes[i], size, method)) return true;
    return false;
  }

  private isOutside(cls: number, size: number, method: number): boolean {
    const known = this.known[cls * methods.length + method];
    const answer = known === undefined || size >= known.length ? 0 : known[size];
    return answer === 0 ? this.ask(cls, size, method) : answer === outside;
  }

  private ask(cls: number, size: number, method: number): boolean {
    const {known, kernels, predictions} = this;
    const at = cls * methods.length + method;
    let answers = known[at];
    if (answers === undefined || size >= answers.length) {
      const larger = new Uint8Array(2 * size + 2);
      if (answers !== undefined) larger.set(answers);
      known[at] = answers = larger;
    }
    const isOutside = predictions.isExtrapolated(kernels[cls], size, methods[method]);
    answers[size] = isOutside ? outside : inside;
    return isOutside;
  }
}
