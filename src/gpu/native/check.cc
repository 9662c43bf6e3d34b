// Names and texts of failed calls.
#include "check.h"

namespace {

std::string documentedName(const char *call) {
  std::string name = call;
  const size_t suffix = name.rfind("_v2");
  if (suffix != std::string::npos && suffix + 3 == name.size()) name.resize(suffix);
  return name;
}

// cuBLAS before 11.4.2 cannot name its own status codes.
const char *cublasName(cublasStatus_t status) {
  if (cuda::cublas.cublasGetStatusName) return cuda::cublas.cublasGetStatusName(status);
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR: return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_LICENSE_ERROR: return "CUBLAS_STATUS_LICENSE_ERROR";
  }
  return "CUBLAS_STATUS_UNKNOWN";
}

}  // namespace

CallError::CallError(const char *call, std::string code, int status, const std::string &text)
    : call(documentedName(call)), code(std::move(code)), status(status) {
  message = this->call + " failed: " + this->code;
  if (!text.empty()) message += " (" + text + ")";
}

void throwDriverError(const char *call, CUresult result) {
  const char *name = nullptr;
  const char *text = nullptr;
  cuda::driver.cuGetErrorName(result, &name);
  cuda::driver.cuGetErrorString(result, &text);
  throw CallError(call, name ? name : "CUDA_ERROR_" + std::to_string(result), result, text ? text : "");
}

void throwCublasError(const char *call, cublasStatus_t status) {
  const char *text = cuda::cublas.cublasGetStatusString ? cuda::cublas.cublasGetStatusString(status) : "";
  throw CallError(call, cublasName(status), status, text ? text : "");
}

void throwNvrtcError(const char *call, nvrtcResult result, const std::string &log) {
  const char *text =
      cuda::nvrtc.nvrtcGetErrorString ? cuda::nvrtc.nvrtcGetErrorString(result) : "NVRTC_ERROR";
  throw CallError(call, text, result, log);
}
