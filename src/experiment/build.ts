// Which program is running: its version, and a hash of its code, so that results of different code never mix.
import {createHash} from 'node:crypto';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The folder of the package, found from src/ and from dist/src/ alike. */
export const packageFolder: string = (() => {
  let folder = here;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
})();

/** The version in package.json. */
export const version: string = (
  JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {version: string}
).version;

/** The parts of the program that a result depends on. */
const parts = ['scheduler', 'policies', 'workload', 'profile', 'sim', 'metrics', 'experiment'];

let hash: string | undefined;

/** SHA-256 over the program's files that results depend on, as they run now; 12 hexadecimal digits. */
export function codeHash(): string {
  if (hash !== undefined) return hash;
  const digest = createHash('sha256');
  for (const part of parts) {
    const folder = join(here, '..', part);
    const files = readdirSync(folder, {recursive: true}).map(String);
    for (const file of files.filter((name) => /(?<!\.d)\.(js|ts)$/.test(name)).sort()) {
      digest.update(`${part}/${file}\n`).update(readFileSync(join(folder, file)));
    }
  }
  hash = digest.digest('hex').slice(0, 12);
  return hash;
}
