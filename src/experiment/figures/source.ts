// Where the numbers of a figure come from: the simulator on a device profile, or a GPU. Figures ask, and do not know whom.
import type {DeviceProfile} from '../../profile/profile.ts';
import type {GemmScheme, ModelScheme} from './schemes.ts';

/** One product C[m,n] = A[m,k] B[k,n] in FP32. */
export interface Shape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Saturated tenants that each have one GEMM of a shape in the system at any time, operands on the device. */
export interface Saturated {
  readonly shape: Shape;
  readonly tenants: number;
  readonly scheme: GemmScheme;
  /** The only kernel that the library may use; by default it chooses. One of `Source.kernels`. */
  readonly kernel?: KernelChoice;
}

/** A kernel of the library: a tile of C by a thread block, and into how many parts it may split k at most. */
export interface KernelChoice {
  /** Which of the library's kernels, e.g. `single`. */
  readonly launch: 'single' | 'batched';
  readonly tile: string;
  readonly splits: number;
}

export interface Throughput {
  /** Useful FLOP/s of all tenants together. */
  readonly flops: number;
  /** The policy that reached it, of those that make up the scheme. */
  readonly policy: string;
}

/** Replicas of a model with weights of their own, each with one request in the system at any time. */
export interface Replicas {
  readonly model: string;
  readonly count: number;
  readonly scheme: ModelScheme;
  /** Counts repetitions from 0: what the device does by chance differs between them. */
  readonly draw: number;
}

export interface BatchTiming {
  /** From handing over a batch until its end is seen, in ns. */
  readonly latencyNs: number;
  /** Floating-point operations of the batch. */
  readonly flops: number;
}

/** Device memory, in bytes. */
export interface MemoryUse {
  readonly total: number;
  readonly capacity: number;
}

/**
 * Answers what figures ask. An answer is null where the source cannot know: the tenants do not fit in memory, the device
 * cannot do it.
 */
export interface Source {
  /** Device and how it is looked at, e.g. `v100, simulated`. */
  readonly label: string;
  /** Peak FLOP/s of the device in FP32. */
  readonly peakFlops: number;
  readonly profile: DeviceProfile;
  /** Whether every answer takes a GPU's time: figures then ask for few points, the telling ones first. */
  readonly isLive: boolean;
  saturated(question: Saturated): Promise<Throughput | null>;
  /** Mean latency of each tenant's requests, in ns. */
  replicas(question: Replicas): Promise<number[] | null>;
  /** One tenant that owns the device and sends batch after batch. */
  batchLatency(question: {readonly model: string; readonly batch: number}): Promise<BatchTiming | null>;
  memoryUse(question: Omit<Replicas, 'draw'>): MemoryUse;
  /** The kernels among which `saturated` can be told to use one; none where the library cannot be told. */
  kernels(): KernelChoice[];
  /** What belongs beside the answers so far, in whole sentences: how they came about, and which are missing. */
  notes(): string[];
}
