// Time-varying rates by time rescaling (Cinlar 1975): the base process runs on operational time L(t), the integral of
// the relative rate, and its arrivals are mapped back by the inverse of L. Exact for any base; with a Poisson base the
// result is the inhomogeneous Poisson process, with another it keeps the base's burstiness at every rate.
import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {SpecOf} from './schema.ts';

/** Operational time of a modulation whose relative rate is 1 on average. */
export interface OperationalTime {
  /** L(t): the time that the base process sees when `t` has passed. Never falls. */
  at(t: Nanoseconds): number;
  /** A t with L(t) = `operational`; where that is a whole pause, the end of it, as nothing arrives in a pause. */
  inverse(operational: number): Nanoseconds;
}

/** Arrivals are rounded to whole nanoseconds, so the inverse is found to a small part of one. */
const resolution = 1 / 64;

/** Operational time of the spec's sine wave or profile. */
export function operationalTime(spec: SpecOf<'diurnal'>): OperationalTime {
  return spec.profile === undefined
    ? sineTime(spec.period, spec.amplitude!, spec.peakAt ?? spec.period / 2)
    : steppedTime(spec.period, spec.profile);
}

function sineTime(period: number, amplitude: number, peakAt: number): OperationalTime {
  const omega = (2 * Math.PI) / period;
  const swing = amplitude / omega;
  const offset = swing * Math.sin(omega * peakAt);
  const at = (t: number) => t + swing * Math.sin(omega * (t - peakAt)) + offset;
  return {
    at,
    inverse(operational) {
      // L is within `swing` of a line, so the answer is too. Newton's steps, halved where they leave the bracket,
      // because the rate, and with it the slope, is 0 in the trough of amplitude 1.
      let low = operational - offset - swing;
      let high = operational - offset + swing;
      let t = operational;
      while (high - low > resolution) {
        const error = at(t) - operational;
        if (error < 0) low = t;
        else high = t;
        const next = t - error / (1 + amplitude * Math.cos(omega * (t - peakAt)));
        if (Math.abs(next - t) < resolution) return Math.max(0, next);
        t = next > low && next < high ? next : (low + high) / 2;
      }
      return Math.max(0, high);
    },
  };
}

function steppedTime(period: number, profile: readonly number[]): OperationalTime {
  const step = period / profile.length;
  const mean = profile.reduce((sum, level) => sum + level, 0) / profile.length;
  const rates = profile.map((level) => level / mean);
  const starts = [0];
  for (const rate of rates) starts.push(starts[starts.length - 1] + rate * step);
  return {
    at(t) {
      const periods = Math.floor(t / period);
      const i = Math.min(rates.length - 1, Math.floor((t - periods * period) / step));
      return periods * period + starts[i] + rates[i] * (t - periods * period - i * step);
    },
    inverse(operational) {
      const periods = Math.floor(operational / period);
      const rest = operational - periods * period;
      let i = 0;
      while (i < rates.length - 1 && (rates[i] === 0 || starts[i + 1] < rest)) i++;
      return periods * period + i * step + (rates[i] === 0 ? 0 : (rest - starts[i]) / rates[i]);
    },
  };
}

/** Maps the arrivals of the base process, drawn on operational time, back to [0, end). */
export function rescale(operational: Float64Array, time: OperationalTime, end: Nanoseconds): Float64Array {
  const at = new Float64Array(operational.length);
  let n = 0;
  for (const arrival of operational) {
    const t = Math.floor(time.inverse(arrival));
    if (t < end) at[n++] = t;
  }
  return at.subarray(0, n);
}
