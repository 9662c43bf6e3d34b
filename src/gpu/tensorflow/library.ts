// TensorFlow.js, which is optional: what we use of it, how it is loaded, and what to do where it does not load.
import {createRequire} from 'node:module';
import {NoDeviceError} from '../../scheduler/errors.ts';

/** A tensor on the device. */
export interface Tensor {
  readonly shape: readonly number[];
  /** The values, once everything that they depend on has run. */
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** The part of the library that we use. Its own types are as optional as the library. */
export interface TensorFlow {
  /** By package, e.g. `tfjs-core`. */
  readonly version: Readonly<Record<string, string>>;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  getBackend(): string;
  backend(): object;
  /** Leaves checks and advice on the console out. */
  enableProdMode(): void;
  randomUniform(shape: readonly number[], least: number, most: number): Tensor;
  /** Of the last two dimensions; those before are products beside each other. */
  matMul(a: Tensor, b: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
}

/** `gpu`: the native library through `@tensorflow/tfjs-node-gpu`. `cpu`: plain JavaScript, for tests. */
export const backends = ['gpu', 'cpu'] as const;
export type Backend = (typeof backends)[number];

export interface LoadedTensorFlow {
  readonly tf: TensorFlow;
  /** Package, version and backend, e.g. `@tensorflow/tfjs-node-gpu 4.22.0, backend tensorflow`. */
  readonly title: string;
}

const packages: Readonly<Record<Backend, string>> = {
  gpu: '@tensorflow/tfjs-node-gpu',
  cpu: '@tensorflow/tfjs',
};

/** Imports a package by its name; replaced in tests. */
export type Import = (name: string) => Promise<unknown>;
const importPackage: Import = (name) => import(name);

/**
 * Loads the library. Throws a NoDeviceError with how to get it where it is not installed, its native part is missing, or
 * it finds no GPU.
 */
export async function loadTensorFlow(
  backend: Backend,
  load: Import = importPackage,
): Promise<LoadedTensorFlow> {
  const name = packages[backend];
  mendUtil();
  let tf: TensorFlow;
  try {
    const found = (await load(name)) as TensorFlow & {default?: TensorFlow};
    tf = found.default ?? found;
  } catch (error) {
    const {reason, remedy} = whyNot(name, error);
    throw new NoDeviceError(`cannot load ${name}: ${reason}; ${remedy}`, {cause: error});
  }
  tf.enableProdMode();
  if (backend === 'cpu') await tf.setBackend('cpu');
  await tf.ready();
  if (backend === 'gpu' && (tf.backend() as {isUsingGpuDevice?: boolean}).isUsingGpuDevice !== true) {
    throw new NoDeviceError(`${name} finds no GPU: ${cudaRemedy}`);
  }
  return {tf, title: `${name} ${versionOf(name) ?? tf.version['tfjs']}, backend ${tf.getBackend()}`};
}

/** Whether the library for the GPU can be used, for people. */
export interface TensorFlowStatus {
  /** Null where it is not installed. */
  readonly version: string | null;
  /** Why it cannot be used, or null. */
  readonly reason: string | null;
  /** How to get it; empty where it is there. */
  readonly remedy: string;
}

/** Looks whether the library for the GPU loads. Never throws. */
export async function tensorFlowStatus(load: Import = importPackage): Promise<TensorFlowStatus> {
  const name = packages.gpu;
  const version = versionOf(name);
  try {
    mendUtil();
    await load(name);
    return {version, reason: null, remedy: ''};
  } catch (error) {
    return {version, ...whyNot(name, error)};
  }
}

/** libtensorflow 2.9.1, which tfjs-node 4 brings, was built for these. */
const cudaRemedy =
  'its libtensorflow 2.9.1 needs the libraries of CUDA 11.2 and cuDNN 8.1 on LD_LIBRARY_PATH, and a GPU that they know';

function whyNot(name: string, error: unknown): {reason: string; remedy: string} {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if ((code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(name)) {
    return {reason: 'it is not installed', remedy: `get it with "npm install ${name}"`};
  }
  // npm 11.16 and later run no install scripts that were not approved; before, the download may have failed.
  if (message.includes('native addon module')) {
    return {
      reason: 'its native library is not there, as its install script has not run or could not download it',
      remedy: `run it with "npm install-scripts approve ${name}" (npm 11.16 or later) and "npm rebuild ${name}"; TFJS_NODE_BASE_URI names a mirror of the download`,
    };
  }
  return {reason: message.split('\n')[0].trim(), remedy: cudaRemedy};
}

/** Null where the package is not installed. */
function versionOf(name: string): string | null {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as {version: string}).version;
  } catch {
    return null;
  }
}

/** tfjs-node 4.22 calls a function that Node 23 has removed; it does so at run time, so that it can be put back. */
function mendUtil(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
}
