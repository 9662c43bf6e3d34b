// The part of the CUDA driver API, cuBLAS, NVRTC and NVML that this addon calls, declared so that it compiles
// on a machine with no CUDA toolkit. Values and signatures are those of CUDA 11 to 13; the names are NVIDIA's
// own.
#pragma once

#include <cstddef>
#include <cstdint>

// ---- CUDA driver
// ---------------------------------------------------------------------------------------------------

using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUstream = struct CUstream_st *;
using CUevent = struct CUevent_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphExec = struct CUgraphExec_st *;

enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_READY = 600,
};

enum CUdevice_attribute : int {
  CU_DEVICE_ATTRIBUTE_CLOCK_RATE = 13,  // kHz; so is the next
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_MODE = 20,
  CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE = 36,
  CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH = 37,  // bits
  CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE = 38,
  CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR = 39,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81,
  CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1 = 92,
};

enum CUstreamCaptureMode : int { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };

inline constexpr unsigned CU_CTX_SCHED_SPIN = 0x01;
inline constexpr unsigned CU_STREAM_NON_BLOCKING = 0x1;
inline constexpr unsigned CU_EVENT_DEFAULT = 0x0;
inline constexpr unsigned CU_MEMHOSTALLOC_PORTABLE = 0x01;
inline constexpr unsigned CU_MEMHOSTALLOC_DEVICEMAP = 0x02;
inline constexpr unsigned CU_STREAM_WRITE_VALUE_DEFAULT = 0x0;

// Entry points by exported name: `_v2` where the ABI changed and cuda.h hides it behind a macro.
#define SUPERKERNEL_DRIVER_REQUIRED(F)                                                                      \
  F(cuInit, (unsigned flags))                                                                               \
  F(cuDriverGetVersion, (int *version))                                                                     \
  F(cuGetErrorName, (CUresult error, const char **name))                                                    \
  F(cuGetErrorString, (CUresult error, const char **text))                                                  \
  F(cuDeviceGetCount, (int *count))                                                                         \
  F(cuDeviceGet, (CUdevice * device, int ordinal))                                                          \
  F(cuDeviceGetName, (char *name, int length, CUdevice device))                                             \
  F(cuDeviceGetPCIBusId, (char *id, int length, CUdevice device))                                           \
  F(cuDeviceTotalMem_v2, (size_t *bytes, CUdevice device))                                                  \
  F(cuDeviceGetAttribute, (int *value, CUdevice_attribute attribute, CUdevice device))                      \
  F(cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device))                                       \
  F(cuDevicePrimaryCtxRelease_v2, (CUdevice device))                                                        \
  F(cuCtxCreate_v2, (CUcontext * context, unsigned flags, CUdevice device))                                 \
  F(cuCtxDestroy_v2, (CUcontext context))                                                                   \
  F(cuCtxSetCurrent, (CUcontext context))                                                                   \
  F(cuCtxGetStreamPriorityRange, (int *least, int *greatest))                                               \
  F(cuMemGetInfo_v2, (size_t *free, size_t *total))                                                         \
  F(cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes))                                                   \
  F(cuMemFree_v2, (CUdeviceptr address))                                                                    \
  F(cuMemHostAlloc, (void **host, size_t bytes, unsigned flags))                                            \
  F(cuMemFreeHost, (void *host))                                                                            \
  F(cuMemHostGetDevicePointer_v2, (CUdeviceptr * address, void *host, unsigned flags))                      \
  F(cuMemcpyHtoD_v2, (CUdeviceptr to, const void *from, size_t bytes))                                      \
  F(cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t bytes))                                            \
  F(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))                \
  F(cuMemsetD8_v2, (CUdeviceptr address, unsigned char value, size_t bytes))                                \
  F(cuMemsetD32Async, (CUdeviceptr address, unsigned value, size_t count, CUstream stream))                 \
  F(cuStreamCreateWithPriority, (CUstream * stream, unsigned flags, int priority))                          \
  F(cuStreamDestroy_v2, (CUstream stream))                                                                  \
  F(cuStreamQuery, (CUstream stream))                                                                       \
  F(cuStreamSynchronize, (CUstream stream))                                                                 \
  F(cuStreamBeginCapture_v2, (CUstream stream, CUstreamCaptureMode mode))                                   \
  F(cuStreamEndCapture, (CUstream stream, CUgraph * graph))                                                 \
  F(cuEventCreate, (CUevent * event, unsigned flags))                                                       \
  F(cuEventDestroy_v2, (CUevent event))                                                                     \
  F(cuEventRecord, (CUevent event, CUstream stream))                                                        \
  F(cuEventSynchronize, (CUevent event))                                                                    \
  F(cuEventElapsedTime, (float *milliseconds, CUevent start, CUevent end))                                  \
  F(cuModuleLoadData, (CUmodule * module, const void *image))                                               \
  F(cuModuleUnload, (CUmodule module))                                                                      \
  F(cuModuleGetFunction, (CUfunction * function, CUmodule module, const char *name))                        \
  F(cuLaunchKernel,                                                                                         \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, \
     unsigned blockZ, unsigned sharedBytes, CUstream stream, void **args, void **extra))                    \
  F(cuGraphDestroy, (CUgraph graph))                                                                        \
  F(cuGraphLaunch, (CUgraphExec graph, CUstream stream))                                                    \
  F(cuGraphExecDestroy, (CUgraphExec graph))

// Absent before CUDA 11.1 and 11.4 (graphs) and 11.7 (version 2 of the stream write, which needs no kernel-module
// option).
#define SUPERKERNEL_DRIVER_OPTIONAL(F)                                                               \
  F(cuGraphInstantiateWithFlags, (CUgraphExec * instance, CUgraph graph, unsigned long long flags))  \
  F(cuGraphUpload, (CUgraphExec instance, CUstream stream))                                          \
  F(cuStreamWriteValue32_v2, (CUstream stream, CUdeviceptr address, uint32_t value, unsigned flags)) \
  F(cuStreamWriteValue32, (CUstream stream, CUdeviceptr address, uint32_t value, unsigned flags))

// ---- cuBLAS
// --------------------------------------------------------------------------------------------------------

using cublasHandle_t = struct cublasContext *;

enum cublasStatus_t : int {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_ARCH_MISMATCH = 8,
  CUBLAS_STATUS_MAPPING_ERROR = 11,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_INTERNAL_ERROR = 14,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
  CUBLAS_STATUS_LICENSE_ERROR = 16,
};
enum cublasOperation_t : int { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum cublasMath_t : int { CUBLAS_DEFAULT_MATH = 0 };
enum cublasGemmAlgo_t : int { CUBLAS_GEMM_DEFAULT = -1 };
enum cublasComputeType_t : int { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 };
enum cudaDataType_t : int { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum libraryPropertyType : int { MAJOR_VERSION = 0, MINOR_VERSION = 1, PATCH_LEVEL = 2 };

#define SUPERKERNEL_CUBLAS_REQUIRED(F)                                                                       \
  F(cublasGetProperty, (libraryPropertyType type, int *value))                                               \
  F(cublasCreate_v2, (cublasHandle_t * handle))                                                              \
  F(cublasDestroy_v2, (cublasHandle_t handle))                                                               \
  F(cublasSetStream_v2, (cublasHandle_t handle, CUstream stream))                                            \
  F(cublasSetWorkspace_v2, (cublasHandle_t handle, void *workspace, size_t bytes))                           \
  F(cublasSetMathMode, (cublasHandle_t handle, cublasMath_t mode))                                           \
  F(cublasGemmEx, (cublasHandle_t handle, cublasOperation_t opA, cublasOperation_t opB, int m, int n, int k, \
                   const void *alpha, const void *a, cudaDataType_t aType, int lda, const void *b,           \
                   cudaDataType_t bType, int ldb, const void *beta, void *c, cudaDataType_t cType, int ldc,  \
                   cublasComputeType_t compute, cublasGemmAlgo_t algorithm))                                 \
  F(cublasGemmBatchedEx,                                                                                     \
    (cublasHandle_t handle, cublasOperation_t opA, cublasOperation_t opB, int m, int n, int k,               \
     const void *alpha, const void *const a[], cudaDataType_t aType, int lda, const void *const b[],         \
     cudaDataType_t bType, int ldb, const void *beta, void *const c[], cudaDataType_t cType, int ldc,        \
     int count, cublasComputeType_t compute, cublasGemmAlgo_t algorithm))                                    \
  F(cublasGemmStridedBatchedEx,                                                                              \
    (cublasHandle_t handle, cublasOperation_t opA, cublasOperation_t opB, int m, int n, int k,               \
     const void *alpha, const void *a, cudaDataType_t aType, int lda, long long strideA, const void *b,      \
     cudaDataType_t bType, int ldb, long long strideB, const void *beta, void *c, cudaDataType_t cType,      \
     int ldc, long long strideC, int count, cublasComputeType_t compute, cublasGemmAlgo_t algorithm))

// cuBLAS 12.4 brought the first, 12.5 the second. Shapes, alphas and betas lie on the host, pointers on the
// device.
#define SUPERKERNEL_CUBLAS_OPTIONAL(F)                                                                   \
  F(cublasSgemmGroupedBatched,                                                                           \
    (cublasHandle_t handle, const cublasOperation_t opA[], const cublasOperation_t opB[], const int m[], \
     const int n[], const int k[], const float alpha[], const float *const a[], const int lda[],         \
     const float *const b[], const int ldb[], const float beta[], float *const c[], const int ldc[],     \
     int groups, const int groupSize[]))                                                                 \
  F(cublasGemmGroupedBatchedEx,                                                                          \
    (cublasHandle_t handle, const cublasOperation_t opA[], const cublasOperation_t opB[], const int m[], \
     const int n[], const int k[], const void *alpha, const void *const a[], cudaDataType_t aType,       \
     const int lda[], const void *const b[], cudaDataType_t bType, const int ldb[], const void *beta,    \
     void *const c[], cudaDataType_t cType, const int ldc[], int groups, const int groupSize[],          \
     cublasComputeType_t compute))

// ---- NVRTC
// ---------------------------------------------------------------------------------------------------------

using nvrtcProgram = struct _nvrtcProgram *;
enum nvrtcResult : int { NVRTC_SUCCESS = 0 };

#define SUPERKERNEL_NVRTC_REQUIRED(F)                                                               \
  F(nvrtcVersion, (int *major, int *minor))                                                         \
  F(nvrtcCreateProgram, (nvrtcProgram * program, const char *source, const char *name, int headers, \
                         const char *const *headerSources, const char *const *headerNames))         \
  F(nvrtcDestroyProgram, (nvrtcProgram * program))                                                  \
  F(nvrtcCompileProgram, (nvrtcProgram program, int options, const char *const *values))            \
  F(nvrtcGetProgramLogSize, (nvrtcProgram program, size_t *bytes))                                  \
  F(nvrtcGetProgramLog, (nvrtcProgram program, char *log))                                          \
  F(nvrtcGetCUBINSize, (nvrtcProgram program, size_t *bytes))                                       \
  F(nvrtcGetCUBIN, (nvrtcProgram program, char *image))

// ---- NVML
// ----------------------------------------------------------------------------------------------------------

using nvmlDevice_t = struct nvmlDevice_st *;
enum nvmlReturn_t : int { NVML_SUCCESS = 0 };
enum nvmlClockType_t : int { NVML_CLOCK_SM = 1, NVML_CLOCK_MEM = 2 };
enum nvmlTemperatureSensors_t : int { NVML_TEMPERATURE_GPU = 0 };

#define SUPERKERNEL_NVML_REQUIRED(F)                                                                     \
  F(nvmlInit_v2, (void))                                                                                 \
  F(nvmlSystemGetDriverVersion, (char *version, unsigned length))                                        \
  F(nvmlDeviceGetHandleByPciBusId_v2, (const char *id, nvmlDevice_t *device))                            \
  F(nvmlDeviceGetClockInfo, (nvmlDevice_t device, nvmlClockType_t type, unsigned *megahertz))            \
  F(nvmlDeviceGetPowerUsage, (nvmlDevice_t device, unsigned *milliwatts))                                \
  F(nvmlDeviceGetTemperature, (nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned *celsius)) \
  F(nvmlDeviceGetCurrentClocksThrottleReasons, (nvmlDevice_t device, unsigned long long *reasons))
