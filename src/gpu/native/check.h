// Every return code is checked here: a call that fails becomes a CallError, and that a typed JavaScript
// error.
#pragma once

#include <exception>
#include <string>

#include "libraries.h"

/** A CUDA call that failed: which, with what code, and what the library says of it. */
struct CallError : std::exception {
  CallError(const char *call, std::string code, int status, const std::string &text);
  const char *what() const noexcept override { return message.c_str(); }

  std::string call;  // as in NVIDIA's documentation, without the ABI suffix `_v2`
  std::string code;  // e.g. CUDA_ERROR_OUT_OF_MEMORY
  int status;
  std::string message;
};

/** A request that the addon itself refuses, e.g. a lane that does not exist. */
struct UsageError : std::exception {
  UsageError(const char *code, std::string message) : code(code), message(std::move(message)) {}
  const char *what() const noexcept override { return message.c_str(); }

  const char *code;
  std::string message;
};

[[noreturn]] void throwDriverError(const char *call, CUresult result);
[[noreturn]] void throwCublasError(const char *call, cublasStatus_t status);
[[noreturn]] void throwNvrtcError(const char *call, nvrtcResult result, const std::string &log);

/** Calls an entry point of the driver by its exported name: `CU(cuMemAlloc_v2, &address, bytes)`. */
#define CU(function, ...)                                        \
  do {                                                           \
    const CUresult result_ = cuda::driver.function(__VA_ARGS__); \
    if (result_ != CUDA_SUCCESS) [[unlikely]]                    \
      throwDriverError(#function, result_);                      \
  } while (false)

/** The same for cuBLAS. */
#define CUBLAS(function, ...)                                          \
  do {                                                                 \
    const cublasStatus_t status_ = cuda::cublas.function(__VA_ARGS__); \
    if (status_ != CUBLAS_STATUS_SUCCESS) [[unlikely]]                 \
      throwCublasError(#function, status_);                            \
  } while (false)
