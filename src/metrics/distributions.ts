// Quantiles and tail probabilities of the normal and Student's t distribution, to about 12 digits.
import {InputError} from '../scheduler/errors.ts';

/** The value that a standard normal variable stays below with probability `p`: Wichura 1988, AS 241 (PPND16). */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new InputError(`invalid probability: ${p} (expected 0 to 1)`);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425)
    return (q * polynomial(centreTop, 0.180625 - q * q)) / polynomial(centreBottom, 0.180625 - q * q);
  const tail = Math.min(p, 1 - p);
  if (tail === 0) return Math.sign(q) * Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const z =
    r <= 5
      ? polynomial(nearTop, r - 1.6) / polynomial(nearBottom, r - 1.6)
      : polynomial(farTop, r - 5) / polynomial(farBottom, r - 5);
  return Math.sign(q) * z;
}

/** The probability that Student's t with `df` degrees of freedom is at most `t`. */
export function studentCdf(t: number, df: number): number {
  if (!(df > 0)) throw new InputError(`invalid degrees of freedom: ${df} (expected above 0)`);
  const tail = 0.5 * incompleteBeta(df / 2, 0.5, df / (df + t * t));
  return t > 0 ? 1 - tail : tail;
}

/** Probability of a |t| at least this large when there is no difference: the two-sided p value. */
export function studentPValue(t: number, df: number): number {
  return Number.isFinite(t) ? incompleteBeta(df / 2, 0.5, df / (df + t * t)) : 0;
}

/** The value that Student's t with `df` degrees of freedom stays below with probability `p`. */
export function studentQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new InputError(`invalid probability: ${p} (expected between 0 and 1)`);
  if (p === 0.5) return 0;
  const key = `${p}/${df}`;
  let t = quantiles.get(key);
  if (t === undefined) quantiles.set(key, (t = findQuantile(p, df)));
  return t;
}

/** Quantiles found so far: a report asks for a handful of them, thousands of times. */
const quantiles = new Map<string, number>();

function findQuantile(p: number, df: number): number {
  // Bisection on the tail, which keeps its digits where the distribution function is close to 1.
  const tail = Math.min(p, 1 - p);
  const above = (t: number): boolean => studentPValue(t, df) > 2 * tail;
  let low = 0;
  let high = 1;
  while (above(high)) high *= 2;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (above(middle)) low = middle;
    else high = middle;
  }
  return Math.sign(p - 0.5) * high;
}

/** Regularised incomplete beta function: continued fraction by Lentz's method (Press et al. 2007, section 6.4). */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast below the mean and is mirrored above it.
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(a, b, x)) / a
    : 1 - (front * betaFraction(b, a, 1 - x)) / b;
}

function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let result = d;
  for (let i = 1; i < 1000; i++) {
    const even = (i * (b - i) * x) / ((a + 2 * i - 1) * (a + 2 * i));
    d = 1 / (1 + even * d || tiny);
    c = 1 + even / c || tiny;
    result *= d * c;
    const odd = (-(a + i) * (a + b + i) * x) / ((a + 2 * i) * (a + 2 * i + 1));
    d = 1 / (1 + odd * d || tiny);
    c = 1 + odd / c || tiny;
    result *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return result;
}

/** Logarithm of the gamma function for x above 0: Lanczos' approximation with g = 7, n = 9 (Godfrey). */
function logGamma(x: number): number {
  let sum = 0.9999999999998099;
  for (let i = 0; i < lanczos.length; i++) sum += lanczos[i] / (x + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, c) => sum * x + c, 0);
}

// prettier-ignore
const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

// The coefficients of AS 241, constant term first: |p - 0.5| <= 0.425, then r <= 5, then beyond.
// prettier-ignore
const centreTop = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946,
  45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227,
];
// prettier-ignore
const centreBottom = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751,
  21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854,
];
// prettier-ignore
const nearTop = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
  1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
];
// prettier-ignore
const nearBottom = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851,
  0.14810397642748008, 0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9,
];
// prettier-ignore
const farTop = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487,
  0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
];
// prettier-ignore
const farBottom = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615,
  0.0007868691311456133, 1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
];
