// Matrix products by cuBLAS: one, several in a row, batched by pointers, by strides, or grouped by shape.
//
// Operands are row-major, C[m,n] = A[m,k] B[k,n], with A (the weights) stored as its transpose, k rows of m: on an
// H200 cuBLAS is 0 to 15 % faster so for every model of the zoo, alone and batched. cuBLAS reads columns first and
// so sees the transposes: it is asked for C' = B' A', an n by m product with B as it lies and A transposed.
#include "context.h"

namespace {

const float one = 1.0f;
const float zero = 0.0f;

// FP32 accumulation throughout. COMPUTE_32F under CUBLAS_DEFAULT_MATH never rounds FP32 operands to TF32.
constexpr DataTypeInfo dataTypes[] = {
    {CUDA_R_32F, CUBLAS_COMPUTE_32F, 4},            // fp32
    {CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, 4},  // tf32
    {CUDA_R_16F, CUBLAS_COMPUTE_32F, 2},            // fp16
    {CUDA_R_16BF, CUBLAS_COMPUTE_32F, 2},           // bf16
};

/** Arguments 2 to 5 of every submit: data type, m, n, k. */
GemmShape shapeArguments(const Napi::CallbackInfo &info) {
  const GemmShape shape = {intArgument(info, 2), intArgument(info, 3), intArgument(info, 4),
                           intArgument(info, 5)};
  dataType(shape.dtype);
  return shape;
}

const void *pointer(uint64_t address) { return reinterpret_cast<const void *>(address); }
void *mutablePointer(uint64_t address) { return reinterpret_cast<void *>(address); }

/** Of a kernel's `count` products, whose A, B and C are packed one after another. */
ProductStride strideOf(const GemmShape &s, int count) {
  const auto bytes = static_cast<uint64_t>(dataType(s.dtype).bytes);
  return {.count = static_cast<uint64_t>(count),
          .a = bytes * s.m * s.k,
          .b = bytes * s.k * s.n,
          .c = bytes * s.m * s.n};
}

}  // namespace

const DataTypeInfo &dataType(int code) {
  checkBounds("data type code", code, 0, 3);
  return dataTypes[code];
}

void Context::gemm(Lane &lane, const GemmShape &shape, uint64_t a, uint64_t b, uint64_t c) {
  const auto &[stored, compute, bytes] = dataType(shape.dtype);
  CUBLAS(cublasGemmEx, lane.blas.get(), CUBLAS_OP_N, CUBLAS_OP_T, shape.n, shape.m, shape.k, &one, pointer(b),
         stored, shape.n, pointer(a), stored, shape.m, &zero, mutablePointer(c), stored, shape.n, compute,
         CUBLAS_GEMM_DEFAULT);
}

void Context::strided(Lane &lane, const GemmShape &shape, int count, const int64_t strides[3], uint64_t a,
                      uint64_t b, uint64_t c) {
  const auto &[stored, compute, bytes] = dataType(shape.dtype);
  CUBLAS(cublasGemmStridedBatchedEx, lane.blas.get(), CUBLAS_OP_N, CUBLAS_OP_T, shape.n, shape.m, shape.k,
         &one, pointer(b), stored, shape.n, strides[1], pointer(a), stored, shape.m, strides[0], &zero,
         mutablePointer(c), stored, shape.n, strides[2], count, compute, CUBLAS_GEMM_DEFAULT);
}

/** submitGemm(lane, ticket, dtype, m, n, k, a, b, c). */
void Context::submitGemm(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  const GemmShape shape = shapeArguments(info);
  begin(on, ticket);
  gemm(on, shape, addressArgument(info, 6), addressArgument(info, 7), addressArgument(info, 8));
  finish(on, ticket);
}

/** submitStrided(lane, ticket, dtype, m, n, k, count, strideA, strideB, strideC, a, b, c): strides in
 * elements. */
void Context::submitStrided(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  const GemmShape shape = shapeArguments(info);
  const int64_t strides[3] = {longArgument(info, 7), longArgument(info, 8), longArgument(info, 9)};
  begin(on, ticket);
  strided(on, shape, intArgument(info, 6), strides, addressArgument(info, 10), addressArgument(info, 11),
          addressArgument(info, 12));
  finish(on, ticket);
}

/** submitSequence(lane, ticket, dtype, m, n, k, count, size): `size` kernels one after another, from
 * `operands`. */
void Context::submitSequence(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  const GemmShape shape = shapeArguments(info);
  const int count = intArgument(info, 6);
  const int size = boundedArgument(info, 7, "size", 1, maxMembers);
  const int64_t strides[3] = {static_cast<int64_t>(shape.m) * shape.k,
                              static_cast<int64_t>(shape.k) * shape.n,
                              static_cast<int64_t>(shape.m) * shape.n};
  begin(on, ticket);
  oneByOne(size, [&](int i) {
    const auto a = static_cast<uint64_t>(operands[3 * i]);
    const auto b = static_cast<uint64_t>(operands[3 * i + 1]);
    const auto c = static_cast<uint64_t>(operands[3 * i + 2]);
    if (count == 1)
      gemm(on, shape, a, b, c);
    else
      strided(on, shape, count, strides, a, b, c);
  });
  finish(on, ticket);
}

/** submitBatched(lane, ticket, dtype, m, n, k, count, size): one call for `size` kernels of `count` products
 * each. */
void Context::submitBatched(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  const GemmShape shape = shapeArguments(info);
  const int count = boundedArgument(info, 6, "count", 1, maxMembers);
  const int size = boundedArgument(info, 7, "size", 1, maxMembers / count);
  const int products = size * count;
  if (on.group) {
    begin(on, ticket);
    batched(on, shape, products, on.group->next(size, strideOf(shape, count)));
    return;
  }
  const PointerSlot slot = on.takePointers(products);
  begin(on, ticket);
  writePointers(slot.host, shape, count, size);
  on.sendPointers(slot, products);
  batched(on, shape, products, slot.device);
  finish(on, ticket);
}

/** One call for `products` products whose operands' addresses lie at `pointers`: all A, all B, all C. */
void Context::batched(Lane &lane, const GemmShape &shape, int products, CUdeviceptr pointers) {
  const auto &[stored, compute, bytes] = dataType(shape.dtype);
  const size_t array = sizeof(uint64_t) * products;
  CUBLAS(cublasGemmBatchedEx, lane.blas.get(), CUBLAS_OP_N, CUBLAS_OP_T, shape.n, shape.m, shape.k, &one,
         reinterpret_cast<const void *const *>(pointers + array), stored, shape.n,
         reinterpret_cast<const void *const *>(pointers), stored, shape.m, &zero,
         reinterpret_cast<void *const *>(pointers + 2 * array), stored, shape.n, products, compute,
         CUBLAS_GEMM_DEFAULT);
}

/** The addresses in `operands` of `size` kernels of `count` products each, in the order that `batched` reads. */
void Context::writePointers(uint64_t *to, const GemmShape &shape, int count, int size) const {
  const ProductStride stride = strideOf(shape, count);
  uint64_t *a = to;
  uint64_t *b = a + size * count;
  uint64_t *c = b + size * count;
  for (int i = 0; i < size; i++) {
    const auto firstA = static_cast<uint64_t>(operands[3 * i]);
    const auto firstB = static_cast<uint64_t>(operands[3 * i + 1]);
    const auto firstC = static_cast<uint64_t>(operands[3 * i + 2]);
    for (int j = 0; j < count; j++) {
      *a++ = firstA + j * stride.a;
      *b++ = firstB + j * stride.b;
      *c++ = firstC + j * stride.c;
    }
  }
}

/** captureBatched(lane, dtype, m, n, k, count, size): a graph of one batched call on the lane's graph pointers. */
Napi::Value Context::captureBatched(Info info) {
  Lane &on = lane(info);
  const GemmShape shape = {intArgument(info, 1), intArgument(info, 2), intArgument(info, 3),
                           intArgument(info, 4)};
  dataType(shape.dtype);
  const int count = boundedArgument(info, 5, "count", 1, maxMembers);
  const int size = boundedArgument(info, 6, "size", 1, maxMembers / count);
  beginCapture(on);
  try {
    CUdeviceptr pointers = on.graphPointers.address();
    if (count > 1) {
      expand(on, pointers, on.expandedPointers(), 0, strideOf(shape, count), size, size);
      pointers = on.expandedPointers();
    }
    batched(on, shape, size * count, pointers);
  } catch (...) {
    dropCapture(on);
    throw;
  }
  CUgraph recorded = nullptr;
  CU(cuStreamEndCapture, on.stream.get(), &recorded);
  return Napi::Number::New(info.Env(), keep(Graph(recorded), nullptr, nullptr));
}

/** Enqueues `expand` for `members` members, `size` of them a batch; strides at 0: all as `one`. */
void Context::expand(Lane &lane, CUdeviceptr firsts, CUdeviceptr expanded, CUdeviceptr strides,
                     ProductStride one, int size, int members) {
  void *arguments[] = {&firsts, &expanded, &strides, &one, &size};
  CU(cuLaunchKernel, kernels().expand, members, 1, 1, 256, 1, 1, 0, lane.stream.get(), arguments, nullptr);
}

/** launchBatched(lane, ticket, graph, size): a graph of captureBatched, on `operands`. */
void Context::launchBatched(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  CapturedGraph &launched = graph(intArgument(info, 2));
  const int size = boundedArgument(info, 3, "size", 1, maxMembers);
  const PointerSlot slot = on.takePointers(size);
  begin(on, ticket);
  for (int i = 0; i < size; i++)
    for (int which = 0; which < 3; which++)
      slot.host[which * size + i] = static_cast<uint64_t>(operands[3 * i + which]);
  on.sendPointersTo(on.graphPointers.address(), slot, size);
  launch(launched, on, ticket);
  finish(on, ticket);
}

/** setWorkspace(lane, address, bytes): what the lane's cuBLAS calls use from now on; address 0: the lane's own. */
void Context::setWorkspace(Info info) {
  Lane &on = lane(info);
  const uint64_t address = addressArgument(info, 1);
  const auto bytes = static_cast<size_t>(longArgument(info, 2));
  if (address != 0) {
    CUBLAS(cublasSetWorkspace_v2, on.blas.get(), reinterpret_cast<void *>(address), bytes);
  } else if (on.workspaceBytes > 0) {
    CUBLAS(cublasSetWorkspace_v2, on.blas.get(), reinterpret_cast<void *>(on.workspace.address()),
           on.workspaceBytes);
  }
}

/** submitGrouped(lane, ticket, dtype, groups): members of several shapes in one call, by `shapes` and
 * `operands`. */
void Context::submitGrouped(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  const int code = intArgument(info, 2);
  const int groups = boundedArgument(info, 3, "groups", 1, maxMembers);
  const auto &[stored, compute, bytes] = dataType(code);
  const Cublas &blas = cuda::cublas;
  const bool viaSgemm = !blas.cublasGemmGroupedBatchedEx && code == 0 && blas.cublasSgemmGroupedBatched;
  if (!blas.cublasGemmGroupedBatchedEx && !viaSgemm) {
    throw UsageError("UNSUPPORTED",
                     "missing cublasGemmGroupedBatchedEx (grouped launches need cuBLAS 12.5 or later)");
  }

  // Row-major operands as their transposes: cuBLAS's m is our n, its first operand our B.
  const size_t stretch = maxMembers;
  int *ms = groupLengths.data(), *ns = ms + stretch, *ks = ns + stretch, *ldb = ks + stretch,
      *lda = ldb + stretch, *ldc = lda + stretch, *sizes = ldc + stretch;
  int products = 0;
  for (int g = 0; g < groups; g++) {
    const int m = shapes[4 * g], n = shapes[4 * g + 1], k = shapes[4 * g + 2], members = shapes[4 * g + 3];
    checkBounds("members of a group", members, 1, maxMembers - products);
    ms[g] = n;
    ns[g] = m;
    ks[g] = k;
    ldb[g] = n;
    lda[g] = m;
    ldc[g] = n;
    sizes[g] = members;
    products += members;
  }

  const PointerSlot slot = on.takePointers(products);
  begin(on, ticket);
  for (int i = 0; i < products; i++) {
    slot.host[i] = static_cast<uint64_t>(operands[3 * i]);
    slot.host[products + i] = static_cast<uint64_t>(operands[3 * i + 1]);
    slot.host[2 * products + i] = static_cast<uint64_t>(operands[3 * i + 2]);
  }
  on.sendPointers(slot, products);
  const CUdeviceptr at = slot.device;
  const size_t array = sizeof(uint64_t) * products;
  const cublasOperation_t *plain = groupOperations.data(), *transposed = plain + stretch;
  if (viaSgemm) {
    CUBLAS(cublasSgemmGroupedBatched, on.blas.get(), plain, transposed, ms, ns, ks, groupAlphas.data(),
           reinterpret_cast<const float *const *>(at + array), ldb,
           reinterpret_cast<const float *const *>(at), lda, groupBetas.data(),
           reinterpret_cast<float *const *>(at + 2 * array), ldc, groups, sizes);
  } else {
    CUBLAS(cublasGemmGroupedBatchedEx, on.blas.get(), plain, transposed, ms, ns, ks, groupAlphas.data(),
           reinterpret_cast<const void *const *>(at + array), stored, ldb,
           reinterpret_cast<const void *const *>(at), stored, lda, groupBetas.data(),
           reinterpret_cast<void *const *>(at + 2 * array), stored, ldc, groups, sizes, compute);
  }
  finish(on, ticket);
}
