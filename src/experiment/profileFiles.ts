// Device profiles as files: those that ship under calibration/, and a person's own.
import {existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseProfile} from '../profile/parseProfile.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {InputError} from '../scheduler/errors.ts';

/** The folder of the profiles that ship with the package, found from src/ and from dist/src/ alike. */
export function calibrationFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'calibration')) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, 'calibration');
}

/** The names of the profiles that ship with the package. */
export function profileNames(): string[] {
  return (
    readdirSync(calibrationFolder())
      // Beside a calibrated profile lies what its check found.
      .filter((file) => file.endsWith('.json') && !file.endsWith('.check.json'))
      .map((file) => basename(file, '.json'))
      .sort()
  );
}

/** Reads a profile by name (`v100`) or by path (`./mine.json`). Throws an InputError that names the file. */
export function readProfile(nameOrPath: string): DeviceProfile {
  const isName = /^[\w.-]+$/.test(nameOrPath) && !nameOrPath.endsWith('.json');
  const path = isName ? join(calibrationFolder(), `${nameOrPath}.json`) : nameOrPath;
  if (!existsSync(path)) {
    const known = profileNames().join(', ');
    throw new InputError(
      isName
        ? `unknown device profile: ${nameOrPath} (known: ${known})`
        : `missing device profile: ${nameOrPath}`,
    );
  }
  const where = isName ? basename(path) : path;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(`${where}: invalid JSON: ${(error as Error).message}`, {cause: error});
  }
  return parseProfile(value, where);
}

/** Writes a profile after checking it. */
export function writeProfile(path: string, profile: DeviceProfile): void {
  writeFileSync(path, `${JSON.stringify(parseProfile(profile, path), null, 2)}\n`);
}
