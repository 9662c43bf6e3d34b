import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';

const units: Readonly<Record<string, Nanoseconds>> = {ns: 1, us: 1e3, ms: 1e6, s: 1e9};

/** Schema of a length of time: a string with a unit outside, whole nanoseconds inside. */
export const duration = z.codec(z.string({error: 'expected a duration such as "50us"'}), z.int().min(0), {
  decode: (text, {issues}) => {
    const match = /^(\d+(?:\.\d+)?)\s*(ns|us|ms|s)$/.exec(text.trim());
    if (match !== null) return Math.round(Number(match[1]) * units[match[2]]);
    issues.push({code: 'custom', message: 'expected a duration such as "50us"', input: text});
    return z.NEVER;
  },
  encode: (ns) => `${ns}ns`,
});
