// The program on the stand-in for CUDA.
import {folder, unavailable as notBuilt} from '../fake-cuda/standIn.ts';
import {Workplace, notCompiled} from './program.ts';

/** Why live tests cannot run, or null. */
export const unavailable = notBuilt ?? notCompiled;
if (unavailable) console.warn(`skipped: ${unavailable}`);

/**
 * A folder for one test file. `env` of its programs is as the stand-in takes it, e.g. `{FAKE_CUDA_LOSE: '9'}`;
 * `LD_LIBRARY_PATH: ''` takes CUDA away.
 */
export const standInPlace = (): Workplace => new Workplace({LD_LIBRARY_PATH: folder});
