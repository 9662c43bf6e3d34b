import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {packageFolder} from '../../src/experiment/build.ts';

/** The folder of the references' sources; they are not compiled into dist/. */
export const referencesFolder: string = join(packageFolder, 'bench/references');

/** Compiles the C++ reference into `folder`. Returns the program's path, or why there is none. */
export function compileSmall(folder: string): {program: string} | {reason: string} {
  const program = join(folder, 'small');
  const source = join(referencesFolder, 'small.cpp');
  const {error, status, stderr} = spawnSync('g++', ['-O3', '-std=c++17', '-o', program, source], {
    encoding: 'utf8',
  });
  if (error !== undefined) return {reason: 'no g++ found'};
  return status === 0 ? {program} : {reason: `g++ failed: ${stderr.split('\n')[0]}`};
}
