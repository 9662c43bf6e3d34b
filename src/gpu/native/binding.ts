// The addon as TypeScript sees it, one to one. src/gpu/cuda.ts loads it, checks options and names errors.

/** `path` is empty where no candidate could be opened; `reasons` says why each was refused. */
export interface LibraryReport {
  readonly path: string;
  readonly version: string;
  readonly reasons: readonly string[];
}

/** What the driver tells of a device. Clocks are 0 where the driver no longer reports them. */
export interface DeviceProperties {
  readonly ordinal: number;
  readonly name: string;
  /** PCI address, which NVML knows the device by. */
  readonly busId: string;
  readonly memoryBytes: number;
  readonly computeMajor: number;
  readonly computeMinor: number;
  readonly multiprocessors: number;
  readonly threadsPerMultiprocessor: number;
  readonly sharedMemoryPerMultiprocessor: number;
  readonly l2Bytes: number;
  readonly clockKHz: number;
  readonly memoryClockKHz: number;
  readonly memoryBusBits: number;
  /** 0 default, 2 prohibited, 3 one process at a time. */
  readonly computeMode: number;
}

/** A device's state now, by NVML; NaN where the device does not tell. */
export interface DeviceState {
  readonly driverVersion: string;
  readonly smClockMHz: number;
  readonly memoryClockMHz: number;
  readonly powerWatts: number;
  readonly temperatureCelsius: number;
  /** NVML's bit mask: 4 software power cap, 32 software thermal, 64 hardware thermal, 128 power brake. */
  readonly throttleReasons: number;
}

/** Options as the addon reads them; `ContextOptions` of src/gpu/cuda.ts is for people. */
export interface NativeContextOptions {
  readonly lanes: number;
  readonly workspaceBytes: number;
  readonly maxMembers: number;
  readonly ringSlots: number;
  readonly ownContext: boolean;
  readonly priorities: Int32Array;
  /** 0 none, 1 events, 2 global timer. */
  readonly timing: number;
  readonly memsetFlags: boolean;
  readonly mappedPointers: boolean;
}

/** One moment on both clocks, true to within `uncertaintyNs`. */
export interface ClockReading {
  /** On `nowNs`. */
  readonly hostNs: number;
  /** On the clock of `timings`. */
  readonly deviceNs: number;
  readonly uncertaintyNs: number;
}

/** `size` kernels of `count` products each, C[m,n] = A[m,k] B[k,n], of a data type by `dataTypeCode`. */
export type BatchShape = [dtype: number, m: number, n: number, k: number, count: number, size: number];

/**
 * A device with its lanes and memory. Addresses are device addresses as numbers; data types are codes (`dataTypeCode`).
 *
 * A `submit` enqueues work on a lane and then the write of `ticket` to `flags[lane]`; nothing waits. Tickets are the
 * caller's: nonzero, rising by one from launch to launch on a lane (they may wrap around as 32-bit integers). Ticket 0
 * enqueues work alone: `begin(lane, ticket)`, submits with 0, `finish(lane, ticket)` make one launch of several.
 *
 * GEMM operands are row-major, C[m,n] = A[m,k] B[k,n], with A stored as its transpose, [k,m]. Products of a kernel with `count` > 1 lie one after another.
 */
export interface NativeContext {
  /** The last completed ticket of each lane, written by the device: read with `Atomics.load`. Empty once destroyed. */
  readonly flags: Int32Array;
  /** Operands of the next submit: member i's A, B, C at 3i, 3i + 1, 3i + 2. Read during the call, free after it. */
  readonly operands: Float64Array;
  /** Groups of the next `submitGrouped`: m, n, k, members at 4g to 4g + 3; their members follow in `operands`. */
  readonly shapes: Int32Array;
  /** Numbers of graphs for `launchGraphs`. */
  readonly sequence: Int32Array;
  /**
   * For how long in ns the device had the first part of the last `submitSequence` or `launchGraphs` of several parts when it had
   * the last one. All else leaves it as it is: the caller sets it to 0.
   */
  readonly headStart: Float64Array;
  /** Of each lane; 0: cuBLAS finds its own. */
  readonly workspaceBytes: number;
  /** Whether the driver can run recorded graphs. */
  readonly graphs: boolean;
  /**
   * Device times in ns of the launch with a ticket: start at 2 (lane ringSlots + ticket mod ringSlots), end after it.
   * Global timer: there once the ticket has completed. Events: after `readTiming`.
   */
  readonly timings: Float64Array;
  /** How flags are written: by the stream itself, or by a memset where the driver cannot. */
  readonly completion: 'writeValue' | 'memset';
  /** The data types that `submitGrouped` takes: cuBLAS 12.4 knows it for fp32, 12.5 for all. */
  readonly grouped: 'all' | 'fp32' | 'none';

  submitGemm(
    lane: number,
    ticket: number,
    dtype: number,
    m: number,
    n: number,
    k: number,
    a: number,
    b: number,
    c: number,
  ): void;
  /** `count` products whose operands lie `stride` elements apart; a stride of 0 shares an operand. */
  submitStrided(
    lane: number,
    ticket: number,
    dtype: number,
    m: number,
    n: number,
    k: number,
    count: number,
    strideA: number,
    strideB: number,
    strideC: number,
    a: number,
    b: number,
    c: number,
  ): void;
  /** `size` kernels of `operands` one after another, in one call. */
  submitSequence(lane: number, ticket: number, ...batch: BatchShape): void;
  /** `size` kernels of `operands` as one batched call. size * count is at most `maxMembers`. */
  submitBatched(lane: number, ticket: number, ...batch: BatchShape): void;
  /** The groups of `shapes` as one call. See `grouped`. */
  submitGrouped(lane: number, ticket: number, dtype: number, groups: number): void;
  /** A ReLU over 32-bit floats: each member reads `bytes` / 2 at A and writes as much at C, in vectors of 16 bytes. */
  submitElementwise(lane: number, ticket: number, bytes: number, size: number): void;

  begin(lane: number, ticket: number): void;
  finish(lane: number, ticket: number): void;

  /** What is submitted to the lane with ticket 0 until `captureEnd` is recorded, not run. */
  captureBegin(lane: number, products: number): void;
  /**
   * As `captureBegin`, for at most `steps` batches (`submitBatched`, `submitElementwise`) of `size` members, whose
   * operands' addresses come with each `launchGroup`; those in `operands` while it records are not read. `products`:
   * how many there are in the batches whose members have several; the device itself makes the addresses of these.
   */
  captureGroup(lane: number, size: number, steps: number, products: number): void;
  /**
   * A graph of `captureGroup`, on any lane. `operands` holds, batch after batch, the addresses of all members' A, then B,
   * then C; members of element-wise batches read B and write C. Signals nothing: `ticket` is that of the launch that it
   * is a part of, signalled by `finish`.
   */
  launchGroup(lane: number, ticket: number, graph: number): void;
  /** Whether a launch of the group on another lane has not completed: its pointers cannot change yet. */
  busyElsewhere(lane: number, graph: number): boolean;
  /** The recorded graph's number. */
  captureEnd(lane: number): number;
  /** Takes a graph to the device behind the lane's work. Its first launch does that otherwise, and takes longer for it. */
  uploadGraph(lane: number, graph: number): void;
  launchGraph(lane: number, ticket: number, graph: number): void;
  /** The first `count` graphs of `sequence`, one after another. */
  launchGraphs(lane: number, ticket: number, count: number): void;
  /** A graph of one batched call that reads its operands' addresses where `launchBatched` puts them, on this lane. */
  captureBatched(lane: number, ...batch: BatchShape): number;
  /** As `submitBatched`, by a graph of `captureBatched` of the same lane and size. */
  launchBatched(lane: number, ticket: number, graph: number, size: number): void;
  /** The cuBLAS workspace of the lane's calls from now on, also of those that are recorded; address 0: its own. */
  setWorkspace(lane: number, address: number, bytes: number): void;
  /** Gives a captured batch the addresses in `operands`: `products` of them, captured after `first` others. */
  updateGraph(graph: number, first: number, products: number): void;
  destroyGraph(graph: number): void;

  /** The address of `bytes` of device memory. */
  alloc(bytes: number): number;
  free(address: number): void;
  /** Random values in (-1, 1) with every bit of the significand drawn: the same for a seed on every machine. */
  fill(address: number, count: number, dtype: number, seed: number): void;
  memset(address: number, byte: number, bytes: number): void;
  upload(address: number, from: NodeJS.TypedArray): void;
  download(address: number, to: NodeJS.TypedArray): void;
  memoryInfo(): {readonly free: number; readonly total: number};

  /** True when nothing is left on the lane. Throws what went wrong on the device, if anything did. */
  query(lane: number): boolean;
  /** Waits for a lane, or for all of this context; those of other threads on the same device may record meanwhile. */
  synchronize(lane?: number): void;
  /** Spins until a lane's flag differs from `seen`: that lane, or -1 at `until` on `nowNs`. */
  waitFlags(seen: Int32Array, until: number): number;
  /** With events: fills the `timings` of a completed launch. With the global timer they are there already. */
  readTiming(lane: number, ticket: number): void;
  /** Waits for the lane, then reads both clocks at once as nearly as 64 round trips allow. */
  calibrateClock(lane: number): ClockReading;
  /** Round trips in ns of one GEMM after another, in C++: what the JavaScript loop is compared with. */
  benchLoop(
    lane: number,
    iterations: number,
    dtype: number,
    m: number,
    n: number,
    k: number,
    a: number,
    b: number,
    c: number,
  ): Float64Array;

  /** Waits for the device and frees everything; later calls do nothing, all other methods throw. */
  destroy(): void;
}

/** The addon's exports. */
export interface NativeAddon {
  setErrorFactory(factory: (message: string, call: string, code: string, status: number) => Error): void;
  /** Kinds: 0 driver, 1 cuBLAS, 2 NVRTC, 3 NVML. A library once open stays open, whatever the candidates. */
  open(kind: number, candidates: readonly string[]): LibraryReport;
  devices(): DeviceProperties[];
  nvml(busId: string): DeviceState;
  /**
   * A descriptor of memory that processes can share, empty as yet: a file that has no name. It is freed when no process
   * has it open or mapped any more, however these end.
   */
  createShared(): number;
  /** Node's own `fs.closeSync` warns of descriptors that it has not opened. */
  closeShared(descriptor: number): void;
  /**
   * `bytes` of such a file from `offset`, a multiple of the page size, zero until written. The file has to reach that far
   * (`fs.ftruncateSync`): what lies beyond its end cannot be touched.
   */
  mapShared(descriptor: number, offset: number, bytes: number): ArrayBuffer;
  /** Puts CLOCK_MONOTONIC in whole ns into `clock`. */
  tick(): void;
  readonly clock: Float64Array;
  readonly Context: new (ordinal: number, options: NativeContextOptions) => NativeContext;
}
