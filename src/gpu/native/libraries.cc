// Opens the CUDA libraries with dlopen, so that one addon loads on machines with and without a GPU.
#include "libraries.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <mutex>

namespace cuda {
Driver driver;
Cublas cublas;
Nvrtc nvrtc;
Nvml nvml;
}  // namespace cuda

namespace {

struct Library {
  void *handle = nullptr;
  LibraryReport report;
};

Library libraries[4];
std::mutex opening;  // worker threads may each load the addon; the tables are the process's

template <typename Function>
bool resolve(void *handle, const char *name, Function &into) {
  into = reinterpret_cast<Function>(dlsym(handle, name));
  return into != nullptr;
}

/** Fills the table of `kind`; returns the first required entry point that is missing, or null. */
const char *resolveAll(LibraryKind kind, void *handle) {
#define REQUIRED(name, parameters) \
  if (!resolve(handle, #name, table.name)) return #name;
#define OPTIONAL(name, parameters) resolve(handle, #name, table.name);
  switch (kind) {
    case LibraryKind::Driver: {
      Driver &table = cuda::driver;
      SUPERKERNEL_DRIVER_REQUIRED(REQUIRED)
      SUPERKERNEL_DRIVER_OPTIONAL(OPTIONAL)
      return nullptr;
    }
    case LibraryKind::Cublas: {
      Cublas &table = cuda::cublas;
      SUPERKERNEL_CUBLAS_REQUIRED(REQUIRED)
      SUPERKERNEL_CUBLAS_OPTIONAL(OPTIONAL)
      resolve(handle, "cublasGetStatusName", table.cublasGetStatusName);
      resolve(handle, "cublasGetStatusString", table.cublasGetStatusString);
      return nullptr;
    }
    case LibraryKind::Nvrtc: {
      Nvrtc &table = cuda::nvrtc;
      SUPERKERNEL_NVRTC_REQUIRED(REQUIRED)
      resolve(handle, "nvrtcGetErrorString", table.nvrtcGetErrorString);
      return nullptr;
    }
    case LibraryKind::Nvml: {
      Nvml &table = cuda::nvml;
      SUPERKERNEL_NVML_REQUIRED(REQUIRED)
      return nullptr;
    }
  }
#undef REQUIRED
#undef OPTIONAL
  return nullptr;
}

/**
 * Streams share this many hardware queues, 8 unless told: a launch then waits behind another lane's that has not begun. The
 * driver reads it when it is initialized; who has set it otherwise is heeded.
 * `hostSupply.ts` gives processes of their own fewer.
 */
void askForHardwareQueues() { setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0); }

}  // namespace

const LibraryReport &openLibrary(LibraryKind kind, const std::vector<std::string> &candidates) {
  const std::lock_guard lock(opening);
  Library &library = libraries[static_cast<int>(kind)];
  if (library.handle) return library.report;
  library.report = {};
  if (kind == LibraryKind::Driver) askForHardwareQueues();
  for (const std::string &candidate : candidates) {
    // Local: two majors of cuBLAS in one process must not bind to each other's symbols.
    void *handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      library.report.reasons.emplace_back(dlerror());
      continue;
    }
    if (const char *missing = resolveAll(kind, handle)) {
      library.report.reasons.push_back(candidate + ": missing symbol " + missing);
      dlclose(handle);
      continue;
    }
    library.handle = handle;
    library.report.path = candidate;
    break;
  }
  return library.report;
}

bool isOpen(LibraryKind kind) { return libraries[static_cast<int>(kind)].handle != nullptr; }
