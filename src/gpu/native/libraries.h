// The CUDA libraries, opened at run time: tables of entry points that are empty until `openLibrary` has
// filled them.
#pragma once

#include <string>
#include <vector>

#include "cuda_api.h"

// An entry point is a pointer that bears its exported name.
#define SUPERKERNEL_CU(name, parameters) CUresult(*name) parameters = nullptr;
#define SUPERKERNEL_BLAS(name, parameters) cublasStatus_t(*name) parameters = nullptr;
#define SUPERKERNEL_RTC(name, parameters) nvrtcResult(*name) parameters = nullptr;
#define SUPERKERNEL_ML(name, parameters) nvmlReturn_t(*name) parameters = nullptr;

struct Driver {
  SUPERKERNEL_DRIVER_REQUIRED(SUPERKERNEL_CU)
  SUPERKERNEL_DRIVER_OPTIONAL(SUPERKERNEL_CU)
};

struct Cublas {
  SUPERKERNEL_CUBLAS_REQUIRED(SUPERKERNEL_BLAS)
  SUPERKERNEL_CUBLAS_OPTIONAL(SUPERKERNEL_BLAS)
  // cuBLAS 11.4.2 and later.
  const char *(*cublasGetStatusName)(cublasStatus_t status) = nullptr;
  const char *(*cublasGetStatusString)(cublasStatus_t status) = nullptr;
};

struct Nvrtc {
  SUPERKERNEL_NVRTC_REQUIRED(SUPERKERNEL_RTC)
  const char *(*nvrtcGetErrorString)(nvrtcResult result) = nullptr;
};

struct Nvml {
  SUPERKERNEL_NVML_REQUIRED(SUPERKERNEL_ML)
};

#undef SUPERKERNEL_CU
#undef SUPERKERNEL_BLAS
#undef SUPERKERNEL_RTC
#undef SUPERKERNEL_ML

enum class LibraryKind { Driver, Cublas, Nvrtc, Nvml };

/** What became of opening a library: where it was found, or why each candidate was refused. */
struct LibraryReport {
  std::string path;                  // empty when none could be opened
  std::vector<std::string> reasons;  // one for each candidate that failed
};

/** Opens the first of `candidates` that loads and has every entry point we need. A library once open stays
 * open. */
const LibraryReport &openLibrary(LibraryKind kind, const std::vector<std::string> &candidates);

/** True once `openLibrary` has succeeded. */
bool isOpen(LibraryKind kind);

namespace cuda {
extern Driver driver;
extern Cublas cublas;
extern Nvrtc nvrtc;
extern Nvml nvml;
}  // namespace cuda
