// Writes the profiles that rest on published measurements: node calibration/build.js DATA-FOLDER [name ...]
// DATA-FOLDER holds the measurements as calibration/README.md names them, plain or gzipped. Build the project first.
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import {writeProfile} from '../dist/src/experiment/profileFiles.js';
import {publishedProfiles} from '../dist/src/profile/published/index.js';

const [folder, ...names] = process.argv.slice(2);
const read = (file) => {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : gunzipSync(readFileSync(`${path}.gz`)).toString();
};
const isWanted = (name) => names.length === 0 || names.includes(name);
for (const {names: made, make} of publishedProfiles) {
  if (!made.some(isWanted)) continue;
  for (const profile of make(read).filter(({name}) => isWanted(name))) {
    writeProfile(join(import.meta.dirname, `${profile.name}.json`), profile);
    console.log(profile.name, JSON.stringify(profile.gemm.fp32?.residuals, null, 1));
  }
}
