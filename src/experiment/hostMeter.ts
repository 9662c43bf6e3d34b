// What the host's part of a live run took: deciding, submitting, seeing arrivals late, and collecting garbage.
import {PerformanceObserver} from 'node:perf_hooks';
import {LogLinearHistogram} from '../metrics/histogram.ts';
import type {Clock, Nanoseconds} from '../scheduler/clock.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import type {Recorder} from '../scheduler/recorder.ts';

/** Quantiles in ns; null where there was nothing to count. */
export interface TimeSpread {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Of one host; of several, the sums, the median host's p50 and the worst host's p99. */
export interface HostTimes {
  readonly decisions: number;
  /** Host time of one decision, submissions left out. */
  readonly decideNs: TimeSpread;
  /** Host time of one submission. */
  readonly submitNs: TimeSpread;
  /** From the time for which an arrival was meant until the scheduler admitted it. */
  readonly lagNs: TimeSpread;
  readonly gc: {readonly pauses: number; readonly totalNs: number; readonly longestNs: number};
}

/** Measures a host. Costs two readings of the clock a decision, and one an arrival and a launch. */
export class HostMeter implements Recorder {
  private readonly clock: Clock;
  private readonly decide = new LogLinearHistogram();
  private readonly submit = new LogLinearHistogram();
  private readonly lag = new LogLinearHistogram();
  /** Time in submissions since the decision began. */
  private submitting = 0;
  private pauses = 0;
  private pausedNs = 0;
  private longestPauseNs = 0;
  /** On Node's clock, in ms: pauses before do not count. */
  private beganAt = 0;
  private readonly observer: PerformanceObserver;

  /** By the run's clock. */
  constructor(clock: Clock) {
    this.clock = clock;
    this.observer = new PerformanceObserver((list) => {
      for (const {duration, startTime} of list.getEntries()) {
        if (startTime < this.beganAt) continue;
        const ns = Math.round(duration * 1e6);
        this.pauses++;
        this.pausedNs += ns;
        this.longestPauseNs = Math.max(this.longestPauseNs, ns);
      }
    });
    this.observer.observe({entryTypes: ['gc']});
  }

  /** The run begins. Pauses of setting it up do not count, whether they were told already or are told later. */
  begin(): void {
    this.beganAt = performance.now();
    this.pauses = this.pausedNs = this.longestPauseNs = 0;
  }

  /** The policy, with its decisions timed. */
  timed(policy: Policy): Policy {
    return new TimedPolicy(policy, this);
  }

  /** Asks the policy, and counts the time that it takes. */
  decided(policy: Policy, situation: Situation): void {
    this.submitting = 0;
    const begin = this.clock.now();
    policy.decide(situation);
    this.decide.add(this.clock.now() - begin - this.submitting);
  }

  arrived(_tenant: number, at: Nanoseconds): void {
    this.lag.add(this.clock.now() - at);
  }

  /** The scheduler calls this as soon as the submission is over. */
  launched(launch: Launch): void {
    const ns = this.clock.now() - launch.submittedAt;
    this.submit.add(ns);
    this.submitting += ns;
  }

  completed(): void {}
  dropped(): void {}
  finished(): void {}

  /** Once, after the run: what was measured. Pauses are told by Node when its event loop runs again. */
  async end(): Promise<HostTimes> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.observer.disconnect();
    return {
      decisions: this.decide.count,
      decideNs: spreadOf(this.decide),
      submitNs: spreadOf(this.submit),
      lagNs: spreadOf(this.lag),
      gc: {pauses: this.pauses, totalNs: this.pausedNs, longestNs: this.longestPauseNs},
    };
  }
}

/** Not closures: V8 takes those of another run for other code, and drops what it has compiled. */
class TimedPolicy implements Policy {
  readonly name: string;
  readonly setup: Partial<PolicySetup>;
  private readonly policy: Policy;
  private readonly meter: HostMeter;

  constructor(policy: Policy, meter: HostMeter) {
    this.name = policy.name;
    this.setup = policy.setup ?? {};
    this.policy = policy;
    this.meter = meter;
  }

  attach(situation: Situation): void {
    this.policy.attach?.(situation);
  }

  onReady(slot: number, situation: Situation): void {
    this.policy.onReady?.(slot, situation);
  }

  onFinished(launch: Launch, situation: Situation): void {
    this.policy.onFinished?.(launch, situation);
  }

  decide(situation: Situation): void {
    this.meter.decided(this.policy, situation);
  }
}

function spreadOf(histogram: LogLinearHistogram): TimeSpread {
  const at = (p: number): number | null => (histogram.count === 0 ? null : Math.round(histogram.quantile(p)));
  return {p50: at(0.5), p99: at(0.99)};
}

/** Several hosts, or several runs, as one. */
export function combineHosts(hosts: readonly HostTimes[]): HostTimes {
  const combined = (pick: (host: HostTimes) => TimeSpread): TimeSpread => {
    const p50 = hosts.flatMap((host) => pick(host).p50 ?? []).toSorted((a, b) => a - b);
    const p99 = hosts.flatMap((host) => pick(host).p99 ?? []);
    return {p50: p50[p50.length >> 1] ?? null, p99: p99.length === 0 ? null : Math.max(...p99)};
  };
  const sum = (pick: (host: HostTimes) => number): number =>
    hosts.reduce((total, host) => total + pick(host), 0);
  return {
    decisions: sum((host) => host.decisions),
    decideNs: combined((host) => host.decideNs),
    submitNs: combined((host) => host.submitNs),
    lagNs: combined((host) => host.lagNs),
    gc: {
      pauses: sum(({gc}) => gc.pauses),
      totalNs: sum(({gc}) => gc.totalNs),
      longestNs: Math.max(0, ...hosts.map(({gc}) => gc.longestNs)),
    },
  };
}

/** In one line, for people. */
export function describeHost({decideNs, submitNs, lagNs, gc}: HostTimes): string {
  const us = (ns: number | null): string => (ns === null ? '–' : (ns / 1e3).toFixed(1));
  const spread = ({p50, p99}: TimeSpread): string => `${us(p50)} / ${us(p99)} us`;
  const pauses = gc.pauses === 0 ? 'none' : `${gc.pauses}, longest ${(gc.longestNs / 1e6).toFixed(1)} ms`;
  return `host p50 / p99: decision ${spread(decideNs)}, submit ${spread(submitNs)}, clock lag ${spread(lagNs)}; GC pauses: ${pauses}`;
}
