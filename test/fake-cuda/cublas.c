// Stand-in for libcublas: computes small products on the CPU, in the stream's order, with FP32 accumulation.
// Built with WITHOUT_GROUPED it lacks what cuBLAS 12.4 and 12.5 brought.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

typedef int Status;
enum { OK = 0, INVALID_VALUE = 7, NOT_SUPPORTED = 15, ILLEGAL_ADDRESS = 700 };
enum { R_32F = 0, R_16F = 2, R_16BF = 14, COMPUTE_32F = 68, COMPUTE_TF32 = 77 };

typedef struct Handle {
  CUstream stream;
} *Handle;

#define ENTER(function)                                             \
  do {                                                              \
    const int fault_ = fakeFault(#function);                        \
    if (fault_) return fault_;                                      \
    if (fakeLost()) return 13; /* CUBLAS_STATUS_EXECUTION_FAILED */ \
  } while (0)

static float truncateTo(uint32_t bits, uint32_t dropped) {
  float value;
  bits = (bits + dropped / 2 + ((bits / (dropped + 1)) & 1)) & ~dropped;  // to nearest, ties to even
  memcpy(&value, &bits, 4);
  return value;
}

static float load(uint64_t base, int type, int compute, long index) {
  uint32_t bits = 0;
  float value;
  if (type == R_16F) {
    _Float16 half;
    memcpy(&half, (const char *)base + 2 * index, 2);
    return half;
  }
  if (type == R_16BF)
    memcpy((char *)&bits + 2, (const char *)base + 2 * index, 2);
  else
    memcpy(&bits, (const char *)base + 4 * index, 4);
  if (compute == COMPUTE_TF32) return truncateTo(bits, 0x1fff);  // 10 bits of mantissa
  memcpy(&value, &bits, 4);
  return value;
}

static void store(uint64_t base, int type, long index, float value) {
  if (type == R_16F) {
    const _Float16 half = (_Float16)value;
    memcpy((char *)base + 2 * index, &half, 2);
  } else if (type == R_16BF) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    const float rounded = truncateTo(bits, 0xffff);
    memcpy((char *)base + 2 * index, (const char *)&rounded + 2, 2);
  } else {
    memcpy((char *)base + 4 * index, &value, 4);
  }
}

/** Column-major C[m,n] = A[m,k] B[k,n], with B given as its transpose; a product outside its allocations breaks the device. */
static void multiply(int m, int n, int k, uint64_t a, int lda, uint64_t b, int ldb, uint64_t c, int ldc,
                     int type, int compute) {
  const uint64_t width = type == R_32F ? 4 : 2;
  if (!fakeOwns(a, width * ((uint64_t)lda * (k - 1) + m)) ||
      !fakeOwns(b, width * ((uint64_t)ldb * (k - 1) + n)) ||
      !fakeOwns(c, width * ((uint64_t)ldc * (n - 1) + m))) {
    fakeLose(ILLEGAL_ADDRESS);
    return;
  }
  const char *most = getenv("FAKE_CUDA_MACS");
  if (most && *most && (double)m * n * k > atof(most)) return;
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < m; i++) {
      float sum = 0;
      for (int l = 0; l < k; l++)
        sum += load(a, type, compute, i + (long)l * lda) * load(b, type, compute, j + (long)l * ldb);
      store(c, type, i + (long)j * ldc, sum);
    }
  }
}

/** `count` products of one shape: by arrays of pointers in device memory where `pointers`, else by strides.
 */
typedef struct {
  int m, n, k, lda, ldb, ldc, type, compute, count, pointers;
  uint64_t a, b, c;
  long long strideA, strideB, strideC;  // bytes
} Products;

static void runProducts(void *argument) {
  const Products *p = argument;
  const uint64_t *as = (const uint64_t *)p->a, *bs = (const uint64_t *)p->b, *cs = (const uint64_t *)p->c;
  if (p->pointers &&
      !(fakeOwns(p->a, 8 * p->count) && fakeOwns(p->b, 8 * p->count) && fakeOwns(p->c, 8 * p->count))) {
    fakeLose(ILLEGAL_ADDRESS);
    return;
  }
  for (int i = 0; i < p->count; i++) {
    if (p->pointers)
      multiply(p->m, p->n, p->k, as[i], p->lda, bs[i], p->ldb, cs[i], p->ldc, p->type, p->compute);
    else
      multiply(p->m, p->n, p->k, p->a + i * p->strideA, p->lda, p->b + i * p->strideB, p->ldb,
               p->c + i * p->strideC, p->ldc, p->type, p->compute);
  }
}

static Status enqueue(Handle handle, int opA, int opB, int aType, int bType, int cType, const void *alpha,
                      const void *beta, const Products *p) {
  if (opA != 0 || opB != 1 || *(const float *)alpha != 1 || *(const float *)beta != 0) return NOT_SUPPORTED;
  if (aType != p->type || bType != p->type || cType != p->type) return NOT_SUPPORTED;
  if (p->type != R_32F && p->type != R_16F && p->type != R_16BF) return NOT_SUPPORTED;
  if (p->compute != COMPUTE_32F && !(p->compute == COMPUTE_TF32 && p->type == R_32F)) return NOT_SUPPORTED;
  if (p->m < 0 || p->n < 0 || p->k < 0 || p->count < 0 || p->lda < p->m || p->ldb < p->n || p->ldc < p->m)
    return INVALID_VALUE;
  fakeEnqueue(handle->stream, runProducts, p, sizeof *p, KERNEL);
  return OK;
}

EXPORT Status cublasGetProperty(int type, int *value) {
#ifdef WITHOUT_GROUPED
  const int version[] = {11, 8, 0};
#else
  const int version[] = {12, 8, 0};
#endif
  if (type < 0 || type > 2) return INVALID_VALUE;
  *value = version[type];
  return OK;
}

EXPORT Status cublasCreate_v2(Handle *handle) {
  ENTER(cublasCreate_v2);
  *handle = calloc(1, sizeof **handle);
  fakeCount(HANDLES, 1);
  return OK;
}

EXPORT Status cublasDestroy_v2(Handle handle) {
  free(handle);
  fakeCount(HANDLES, -1);
  return OK;
}

EXPORT Status cublasSetStream_v2(Handle handle, CUstream stream) {
  handle->stream = stream;
  return OK;
}

EXPORT Status cublasSetWorkspace_v2(Handle handle, void *workspace, size_t bytes) {
  (void)handle;
  return fakeOwns((uint64_t)workspace, bytes) ? OK : INVALID_VALUE;
}

EXPORT Status cublasSetMathMode(Handle handle, int mode) {
  (void)handle;
  return mode == 0 ? OK : NOT_SUPPORTED;
}

EXPORT const char *cublasGetStatusName(Status status) {
  switch (status) {
    case 3: return "CUBLAS_STATUS_ALLOC_FAILED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case 13: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "CUBLAS_STATUS_UNKNOWN";
  }
}

EXPORT const char *cublasGetStatusString(Status status) {
  (void)status;
  return "a fault of the stand-in";
}

EXPORT Status cublasGemmEx(Handle handle, int opA, int opB, int m, int n, int k, const void *alpha,
                           const void *a, int aType, int lda, const void *b, int bType, int ldb,
                           const void *beta, void *c, int cType, int ldc, int compute, int algorithm) {
  (void)algorithm;
  ENTER(cublasGemmEx);
  const Products p = {m, n, k,           lda,         ldb,         ldc, aType, compute,
                      1, 0, (uint64_t)a, (uint64_t)b, (uint64_t)c, 0,   0,     0};
  return enqueue(handle, opA, opB, aType, bType, cType, alpha, beta, &p);
}

EXPORT Status cublasGemmBatchedEx(Handle handle, int opA, int opB, int m, int n, int k, const void *alpha,
                                  const void *const a[], int aType, int lda, const void *const b[], int bType,
                                  int ldb, const void *beta, void *const c[], int cType, int ldc, int count,
                                  int compute, int algorithm) {
  (void)algorithm;
  ENTER(cublasGemmBatchedEx);
  const Products p = {m,     n, k,           lda,         ldb,         ldc, aType, compute,
                      count, 1, (uint64_t)a, (uint64_t)b, (uint64_t)c, 0,   0,     0};
  return enqueue(handle, opA, opB, aType, bType, cType, alpha, beta, &p);
}

EXPORT Status cublasGemmStridedBatchedEx(Handle handle, int opA, int opB, int m, int n, int k,
                                         const void *alpha, const void *a, int aType, int lda,
                                         long long strideA, const void *b, int bType, int ldb,
                                         long long strideB, const void *beta, void *c, int cType, int ldc,
                                         long long strideC, int count, int compute, int algorithm) {
  (void)algorithm;
  ENTER(cublasGemmStridedBatchedEx);
  const int width = aType == R_32F ? 4 : 2;
  const Products p = {m,
                      n,
                      k,
                      lda,
                      ldb,
                      ldc,
                      aType,
                      compute,
                      count,
                      0,
                      (uint64_t)a,
                      (uint64_t)b,
                      (uint64_t)c,
                      strideA * width,
                      strideB * width,
                      strideC * width};
  return enqueue(handle, opA, opB, aType, bType, cType, alpha, beta, &p);
}

#ifndef WITHOUT_GROUPED
EXPORT Status cublasGemmGroupedBatchedEx(Handle handle, const int opA[], const int opB[], const int m[],
                                         const int n[], const int k[], const void *alpha,
                                         const void *const a[], int aType, const int lda[],
                                         const void *const b[], int bType, const int ldb[], const void *beta,
                                         void *const c[], int cType, const int ldc[], int groups,
                                         const int sizes[], int compute) {
  ENTER(cublasGemmGroupedBatchedEx);
  uint64_t offset = 0;
  for (int g = 0; g < groups; g++) {
    const Products p = {m[g],
                        n[g],
                        k[g],
                        lda[g],
                        ldb[g],
                        ldc[g],
                        aType,
                        compute,
                        sizes[g],
                        1,
                        (uint64_t)a + offset,
                        (uint64_t)b + offset,
                        (uint64_t)c + offset,
                        0,
                        0,
                        0};
    const Status status = enqueue(handle, opA[g], opB[g], aType, bType, cType, (const float *)alpha + g,
                                  (const float *)beta + g, &p);
    if (status) return status;
    offset += 8 * (uint64_t)sizes[g];
  }
  return OK;
}
#endif
