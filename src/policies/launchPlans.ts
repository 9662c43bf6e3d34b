import type {Nanoseconds} from '../scheduler/clock.ts';
import type {LaunchPlan, LaunchPlanner} from './launchPlanner.ts';

/** Populations above this are planned for in steps of a quarter. */
const finePopulation = 8;
/** Levels of the device’s use by others. Of whole models on a crowded H200, simulated, the p99 was 5 % more with further ones, up to four times the device. */
const uses = [0, 0.5, 1, 1.5, 2] as const;
const useLevels = uses.length;
/** Levels of how many others wait: powers of two. */
const otherLevels = 33;
/** The middle of a level over its least: with the least of up to 127 others a plan would know of 64. */
const middle = Math.SQRT2;
/** Plans that are remembered: sets of as many as a line of the cache holds keys of. */
const sets = 1 << 10;
const setSize = 8;
/** What is planned for ahead: streams of a program, others that wait, and the use of the device by others. */
const usualPopulations = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16];
const usualOthers = [0, 1, 2, 4, 8];
/** Plans that are made ahead at most; more would push each other out. */
const mostAhead = (sets * setSize) / 2;

/**
 * Plans by where streams are, how many they are, and what else goes on. A look-up takes the time of two lines of the
 * cache. A decision makes at most one plan, or makes one again where the planner knows better since; others that it would
 * need meanwhile are taken from what is known of the same streams, and made by the next decisions.
 */
export class LaunchPlans {
  private readonly planner: LaunchPlanner;
  private readonly keys = new Float64Array(sets * setSize).fill(-1);
  private readonly records = new Float64Array(sets * setSize * width);
  /** By cursor: the place of the plan that was used last. */
  private latest = new Int32Array(1024).fill(-1);
  /** The place in its set that is given to the next new plan. */
  private next = 0;
  /** Plans that this decision may still make. */
  private mayMake = 0;
  /** What was found last; it is written over by the next. */
  readonly plan: LaunchPlan = {
    size: 1,
    beside: 1,
    recurs: false,
    method: 0,
    steps: 1,
    sm: NaN,
    bandwidth: NaN,
    completionNs: NaN,
  };

  constructor(planner: LaunchPlanner) {
    this.planner = planner;
  }

  /** Makes plans for streams at `cursor`, the start of one of so many `programs`, in usual situations. */
  makeAhead(cursor: number, programs: number, sloNs: Nanoseconds): void {
    this.planner.prepare(cursor);
    this.mayMake = mostAhead / programs;
    for (const population of usualPopulations) {
      for (const others of usualOthers) {
        for (const use of uses) {
          if (this.mayMake >= 1) this.find(cursor, population, others, use, sloNs);
        }
      }
    }
  }

  /** Begins a decision. */
  begin(): void {
    this.mayMake = 1;
  }

  /**
   * The plan for a `population` of streams whose next kernel is at `cursor`, while `others` wait and the device is used
   * to a degree of `use` by what is in flight. The next call overwrites it.
   */
  find(cursor: number, population: number, others: number, use: number, sloNs: Nanoseconds): LaunchPlan {
    const {keys, records, planner, plan} = this;
    const level = 32 - Math.clz32(others);
    const useLevel = Math.min(useLevels - 1, Math.round(2 * use));
    const count = roundPopulation(population);
    const key = ((cursor * 1024 + count) * otherLevels + level) * useLevels + useLevel;
    let at = this.place(key);
    const isKnown = keys[at] === key;
    if (!isKnown || records[at * width + versionOf] !== planner.version) {
      if (this.mayMake >= 1) {
        this.mayMake--;
        const waiting = level < 2 ? level : middle * 2 ** (level - 1);
        planner.choose(plan, cursor, count, waiting, uses[useLevel], sloNs);
        keys[at] = key;
        this.write(at);
        this.remember(cursor, at);
        return plan;
      }
      if (!isKnown) at = this.latestAt(cursor);
      if (at < 0) {
        planner.choose(plan, cursor, count, 0, 0, sloNs);
        return plan;
      }
    }
    this.read(at);
    this.latest[cursor] = at;
    return plan;
  }

  /** Where the key's plan is, or may be put. */
  private place(key: number): number {
    const {keys} = this;
    const hash = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 4096) | 0, 0x85ebca6b);
    const first = (hash >>> 22) * setSize;
    for (let at = first; at < first + setSize; at++) if (keys[at] === key || keys[at] < 0) return at;
    return first + (this.next++ & (setSize - 1));
  }

  private remember(cursor: number, at: number): void {
    if (cursor >= this.latest.length) {
      const {latest} = this;
      this.latest = new Int32Array(2 * cursor).fill(-1);
      this.latest.set(latest);
    }
    this.latest[cursor] = at;
  }

  /** Where the plan is that was used last for streams at a cursor, or -1. */
  private latestAt(cursor: number): number {
    const at = cursor < this.latest.length ? this.latest[cursor] : -1;
    return at >= 0 && Math.floor(this.keys[at] / (1024 * otherLevels * useLevels)) === cursor ? at : -1;
  }

  private read(at: number): void {
    const {plan, records} = this;
    const i = at * width;
    plan.size = records[i];
    plan.beside = records[i + 1];
    plan.method = records[i + 2];
    plan.steps = records[i + 3];
    plan.sm = records[i + 4];
    plan.bandwidth = records[i + 5];
    plan.completionNs = records[i + 6];
    // Negative where the kernels do not recur.
    plan.recurs = plan.beside > 0;
    plan.beside = Math.abs(plan.beside);
  }

  private write(at: number): void {
    const {plan, records} = this;
    const i = at * width;
    records[i] = plan.size;
    records[i + 1] = plan.recurs ? plan.beside : -plan.beside;
    records[i + 2] = plan.method;
    records[i + 3] = plan.steps;
    records[i + 4] = plan.sm;
    records[i + 5] = plan.bandwidth;
    records[i + 6] = plan.completionNs;
    records[i + versionOf] = this.planner.version;
  }
}

/** Entries of a plan's record: its own seven, and the planner's version that it was made by. */
const width = 8;
const versionOf = 7;

function roundPopulation(population: number): number {
  if (population <= finePopulation) return population;
  const step = 1 << Math.max(0, 29 - Math.clz32(population));
  return Math.min(1023, Math.round(population / step) * step);
}
