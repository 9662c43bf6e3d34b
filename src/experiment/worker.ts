// Runs one simulation; the pool calls it on a worker thread, so all that goes in and out is plain data.
import type {DeviceProfile} from '../profile/profile.ts';
import {DeviceError, InputError, NoDeviceError, PolicyError} from '../scheduler/errors.ts';
import type {Outcome} from './outcome.ts';
import type {PlannedRun} from './plan.ts';
import {readProfile} from './profileFiles.ts';
import {CannotRunError, simulateRun} from './simulate.ts';

/** Errors lose their class on the way between threads; this is what is left of one. */
export interface Failure {
  readonly family: 'cannot-run' | 'input' | 'policy' | 'device' | 'no-device' | 'internal';
  readonly message: string;
  readonly stack: string;
}

const profiles = new Map<string, DeviceProfile>();

/** Simulates a planned run. Never throws. */
export default async function runTask({spec, profile}: PlannedRun): Promise<Outcome | {failure: Failure}> {
  try {
    let device = profiles.get(profile);
    if (device === undefined) profiles.set(profile, (device = readProfile(profile)));
    return {summary: await simulateRun(spec, {profile: device})};
  } catch (error) {
    if (error instanceof CannotRunError) return {cannot_run: error.message};
    return {failure: failureOf(error)};
  }
}

/** What is left of an error on its way to another thread. */
export function failureOf(error: unknown): Failure {
  const {message, stack = ''} = error instanceof Error ? error : new Error(String(error));
  const family =
    error instanceof CannotRunError
      ? 'cannot-run'
      : error instanceof InputError
        ? 'input'
        : error instanceof PolicyError
          ? 'policy'
          : error instanceof NoDeviceError
            ? 'no-device'
            : error instanceof DeviceError
              ? 'device'
              : 'internal';
  return {family, message, stack};
}

/** The error that a failure was. */
export function errorOf({family, message, stack}: Failure): Error {
  if (family === 'cannot-run') return new CannotRunError(message);
  if (family === 'input') return new InputError(message);
  if (family === 'policy') return new PolicyError(message);
  if (family === 'no-device') return new NoDeviceError(message);
  if (family === 'device') return new DeviceError(message);
  return Object.assign(new Error(message), {stack});
}
