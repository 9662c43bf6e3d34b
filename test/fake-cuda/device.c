// The driver, its devices and contexts.
#include "driver.h"

EXPORT CUresult cuInit(unsigned flags) {
  (void)flags;
  const int fault = fakeFault("cuInit");
  if (fault) return fault;
  // Clients of an MPS daemon alone.
  if (getenv("CUDA_MPS_PIPE_DIRECTORY")) {
    const int refusal = (int)fakeNumber("FAKE_CUDA_FAIL_MPS", 0);
    if (refusal) return refusal;
  }
  return fakeNumber("FAKE_CUDA_DEVICES", 1) > 0 ? SUCCESS : NO_DEVICE;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  *version = (int)fakeNumber("FAKE_CUDA_VERSION", 12080);
  return SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult error, const char **name) {
  switch (error) {
    case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; return SUCCESS;
    case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; return SUCCESS;
    case NO_DEVICE: *name = "CUDA_ERROR_NO_DEVICE"; return SUCCESS;
    case INVALID_CONTEXT: *name = "CUDA_ERROR_INVALID_CONTEXT"; return SUCCESS;
    case NOT_FOUND: *name = "CUDA_ERROR_NOT_FOUND"; return SUCCESS;
    case ILLEGAL_ADDRESS: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; return SUCCESS;
    case 719: *name = "CUDA_ERROR_LAUNCH_FAILED"; return SUCCESS;
    default: *name = NULL; return INVALID_VALUE;
  }
}

EXPORT CUresult cuGetErrorString(CUresult error, const char **text) {
  *text = error == OUT_OF_MEMORY ? "out of memory" : "a fault of the stand-in";
  return SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
  *count = (int)fakeNumber("FAKE_CUDA_DEVICES", 1);
  return SUCCESS;
}

EXPORT CUresult cuDeviceGet(int *device, int ordinal) {
  if (ordinal < 0 || ordinal >= fakeNumber("FAKE_CUDA_DEVICES", 1)) return INVALID_DEVICE;
  *device = ordinal;
  return SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, int device) {
  snprintf(name, length, "Stand-in GPU %d", device);
  return SUCCESS;
}

EXPORT CUresult cuDeviceGetPCIBusId(char *id, int length, int device) {
  snprintf(id, length, "0000:%02d:00.0", device + 1);
  return SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, int device) {
  (void)device;
  *bytes = fakeMemory();
  return SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  const int compute = (int)fakeNumber("FAKE_CUDA_COMPUTE", 90);
  switch (attribute) {
    case 16: *value = 4; break;  // multiprocessors
    case 75: *value = compute / 10; break;
    case 76: *value = compute % 10; break;
    default: *value = 0;
  }
  return SUCCESS;
}

__thread CUcontext current;
static struct CUctx_st primary;
static int primaryUses;

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, int device) {
  (void)device;
  ENTER(cuDevicePrimaryCtxRetain);
  primaryUses++;
  *context = &primary;
  return SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(int device) {
  (void)device;
  if (primaryUses == 0) return INVALID_CONTEXT;
  if (--primaryUses == 0) fakeContextEnds();
  return SUCCESS;
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, int device) {
  (void)flags, (void)device;
  ENTER(cuCtxCreate_v2);
  *context = calloc(1, sizeof **context);
  current = *context;
  return SUCCESS;
}

EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
  free(context);
  current = NULL;
  fakeContextEnds();
  return SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  current = context;
  return SUCCESS;
}

EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  *least = 0;
  *greatest = -5;
  return SUCCESS;
}
