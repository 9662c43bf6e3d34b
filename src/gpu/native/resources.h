// Owners of what CUDA hands out: each releases its resource when it goes out of scope, with the context made
// current.
#pragma once

#include <memory>
#include <utility>

#include "check.h"

/** Calls a release function of a table that is filled at run time. Failures are left: the device may be lost.
 */
#define SUPERKERNEL_OWNER(Name, Opaque, release)                        \
  struct Name##Release {                                                \
    void operator()(Opaque *handle) const noexcept { release(handle); } \
  };                                                                    \
  using Name = std::unique_ptr<Opaque, Name##Release>;

SUPERKERNEL_OWNER(Stream, CUstream_st, cuda::driver.cuStreamDestroy_v2)
SUPERKERNEL_OWNER(Event, CUevent_st, cuda::driver.cuEventDestroy_v2)
SUPERKERNEL_OWNER(Module, CUmod_st, cuda::driver.cuModuleUnload)
SUPERKERNEL_OWNER(Graph, CUgraph_st, cuda::driver.cuGraphDestroy)
SUPERKERNEL_OWNER(GraphInstance, CUgraphExec_st, cuda::driver.cuGraphExecDestroy)
SUPERKERNEL_OWNER(CublasHandle, cublasContext, cuda::cublas.cublasDestroy_v2)

#undef SUPERKERNEL_OWNER

inline Event makeEvent() {
  CUevent event = nullptr;
  CU(cuEventCreate, &event, CU_EVENT_DEFAULT);
  return Event(event);
}

/** A CUDA context: the device's primary one, shared within the process, or one of our own. */
class DeviceContext {
 public:
  DeviceContext(CUdevice device, bool own) : device(device), own(own) {
    if (own) {
      CU(cuCtxCreate_v2, &context, CU_CTX_SCHED_SPIN, device);
      current = context;  // creation makes it current
    } else {
      CU(cuDevicePrimaryCtxRetain, &context, device);
    }
  }
  DeviceContext(const DeviceContext &) = delete;
  DeviceContext &operator=(const DeviceContext &) = delete;

  ~DeviceContext() {
    if (own) {
      cuda::driver.cuCtxDestroy_v2(context);
    } else {
      cuda::driver.cuCtxSetCurrent(nullptr);
      cuda::driver.cuDevicePrimaryCtxRelease_v2(device);
    }
    current = nullptr;
  }

  /** Makes the context current on this thread; nearly free where it is already. */
  void bind() const {
    if (current == context) [[likely]]
      return;
    CU(cuCtxSetCurrent, context);
    current = context;
  }

  const CUdevice device;

 private:
  const bool own;
  CUcontext context = nullptr;
  static inline thread_local CUcontext current = nullptr;
};

/** Device memory of at least one byte, or none. */
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(size_t bytes) { CU(cuMemAlloc_v2, &start, bytes); }
  DeviceMemory(DeviceMemory &&other) noexcept : start(std::exchange(other.start, 0)) {}
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    std::swap(start, other.start);
    return *this;
  }
  ~DeviceMemory() {
    if (start) cuda::driver.cuMemFree_v2(start);
  }
  CUdeviceptr address() const { return start; }

 private:
  CUdeviceptr start = 0;
};

/**
 * Page-locked host memory that the device can address. It outlives its Context while JavaScript still holds a
 * view of it, and therefore keeps the CUDA context.
 */
class PinnedMemory {
 public:
  PinnedMemory(std::shared_ptr<DeviceContext> context, size_t bytes)
      : context(std::move(context)), bytes(bytes) {
    CU(cuMemHostAlloc, &start, bytes, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP);
    const CUresult mapped = cuda::driver.cuMemHostGetDevicePointer_v2(&mappedAt, start, 0);
    if (mapped != CUDA_SUCCESS) {
      release();
      throwDriverError("cuMemHostGetDevicePointer_v2", mapped);
    }
    __builtin_memset(start, 0, bytes);
  }
  PinnedMemory(const PinnedMemory &) = delete;
  PinnedMemory &operator=(const PinnedMemory &) = delete;
  ~PinnedMemory() { release(); }

  /** Frees the memory now; later calls do nothing. */
  void release() noexcept {
    if (!start) return;
    try {
      context->bind();
    } catch (const CallError &) {
      // A lost device cannot be made current; the driver then frees with the process.
    }
    cuda::driver.cuMemFreeHost(std::exchange(start, nullptr));
    context.reset();
  }

  template <typename T>
  T *host() const {
    return static_cast<T *>(start);
  }
  /** Where the device sees the same bytes. */
  CUdeviceptr address() const { return mappedAt; }
  size_t size() const { return bytes; }

 private:
  std::shared_ptr<DeviceContext> context;
  size_t bytes;
  void *start = nullptr;
  CUdeviceptr mappedAt = 0;
};
