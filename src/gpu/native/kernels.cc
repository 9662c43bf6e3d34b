// Kernel sources and their compilation.
#include "kernels.h"

#include <bit>
#include <string>
#include <vector>

// Written once and used twice: as C++ by the host, as text by NVRTC. No comments or directives fit inside.
#define ON_BOTH_SIDES(...) \
  __VA_ARGS__              \
  constexpr const char *sharedSource = #__VA_ARGS__;

#define SIDE inline
#define FLOAT_BITS(x) std::bit_cast<uint32_t>(x)

namespace {

// clang-format off
// SplitMix64 (Steele et al. 2014) of the index picks `bits` random bits r. The value is the odd number 2r + 1 - 2^bits
// over 2^bits, which a significand of `bits` bits holds exactly: 24 for fp32 and tf32, 11 for fp16, 8 for bf16.
ON_BOTH_SIDES(
SIDE unsigned randomBits(unsigned long long index, unsigned seed, int dtype) {
  unsigned long long z = (index + 1) * 0x9E3779B97F4A7C15ull + ((unsigned long long)seed << 32);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z = z ^ (z >> 31);
  const int bits = dtype < 2 ? 24 : dtype == 2 ? 11 : 8;
  const int odd = 2 * (int)(z >> (64 - bits)) + 1 - (1 << bits);
  const unsigned value = FLOAT_BITS((float)odd / (float)(1 << bits));
  if (dtype < 2) return value;
  if (dtype == 3) return value >> 16;
  return ((value >> 16) & 0x8000u) | ((((value >> 23) & 0xffu) - 112u) << 10) | ((value >> 13) & 0x3ffu);
}
)
// clang-format on

constexpr const char *deviceSource = R"cuda(
typedef unsigned long long u64;

extern "C" __global__ void fill(void *out, u64 count, unsigned seed, int dtype) {
  for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
    const unsigned value = randomBits(i, seed, dtype);
    if (dtype < 2) ((unsigned *)out)[i] = value;
    else ((unsigned short *)out)[i] = value;
  }
}

struct Operands {
  const float4 *from[64];
  float4 *to[64];
};

// One row of blocks a member; reads and writes every byte once, 16 at a time.
__device__ __forceinline__ void pass(const float4 *from, float4 *to, u64 vectors) {
  for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < vectors; i += (u64)gridDim.x * blockDim.x) {
    const float4 x = from[i];
    to[i] = make_float4(x.x > 0 ? x.x : 0, x.y > 0 ? x.y : 0, x.z > 0 ? x.z : 0, x.w > 0 ? x.w : 0);
  }
}

extern "C" __global__ void relu(Operands operands, u64 vectors) {
  pass(operands.from[blockIdx.y], operands.to[blockIdx.y], vectors);
}

extern "C" __global__ void reluAt(const u64 *pointers, int members, u64 vectors) {
  pass((const float4 *)pointers[blockIdx.y], (float4 *)pointers[members + blockIdx.y], vectors);
}

// One block. What the host has left for this launch lies in its memory, so that no copy has to be enqueued.
extern "C" __global__ void fetch(const u64 *entries, u64 *turn, int slots, u64 *to, int count) {
  __shared__ const u64 *from;
  if (threadIdx.x == 0) {
    u64 address;
    asm volatile("ld.volatile.global.u64 %0, [%1];" : "=l"(address) : "l"(entries + *turn % slots));
    from = (const u64 *)address;
    ++*turn;
  }
  __syncthreads();
  // Several on their way at once: each takes a microsecond.
  const int step = blockDim.x;
  for (int first = threadIdx.x; first < count; first += 4 * step) {
    u64 values[4];
    for (int i = 0; i < 4; i++)
      if (first + i * step < count)
        asm volatile("ld.volatile.global.u64 %0, [%1];" : "=l"(values[i]) : "l"(from + first + i * step));
    for (int i = 0; i < 4; i++)
      if (first + i * step < count) to[first + i * step] = values[i];
  }
}

struct Stride {
  u64 count, offset, a, b, c;
};

// A block a member of a batch. Of each batch of `size` members `firsts` holds the addresses of all A, all B, all C.
extern "C" __global__ void expand(const u64 *firsts, u64 *expanded, const Stride *strides, Stride one, int size) {
  const unsigned batch = blockIdx.x / size, member = blockIdx.x % size;
  const Stride stride = strides ? strides[batch] : one;
  const u64 *first = firsts + 3 * batch * size + member;
  const u64 products = size * stride.count;
  u64 *to = expanded + stride.offset + member * stride.count;
  for (u64 i = threadIdx.x; i < stride.count; i += blockDim.x) {
    to[i] = first[0] + i * stride.a;
    to[products + i] = first[size] + i * stride.b;
    to[2 * products + i] = first[2 * size] + i * stride.c;
  }
}

// Writes the device's time since `base` and then, where there is a ticket, the completion flag.
extern "C" __global__ void stamp(volatile double *at, u64 base, volatile int *flag, int ticket) {
  u64 now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  *at = (double)(long long)(now - base);
  if (ticket == 0) return;
  __threadfence_system();
  *flag = ticket;
}
)cuda";

[[noreturn]] void throwCompileError(nvrtcProgram program, nvrtcResult result) {
  std::string log;
  size_t bytes = 0;
  if (cuda::nvrtc.nvrtcGetProgramLogSize(program, &bytes) == NVRTC_SUCCESS && bytes > 1) {
    log.resize(bytes - 1);
    cuda::nvrtc.nvrtcGetProgramLog(program, log.data());
  }
  throwNvrtcError("nvrtcCompileProgram", result, log);
}

struct Program {
  nvrtcProgram handle = nullptr;
  ~Program() {
    if (handle) cuda::nvrtc.nvrtcDestroyProgram(&handle);
  }
};

std::vector<char> compile(int major, int minor) {
  if (!isOpen(LibraryKind::Nvrtc))
    throw UsageError("NO_NVRTC", "missing library: libnvrtc, which compiles the addon's kernels");
  const std::string source = std::string("#define SIDE __device__\n#define FLOAT_BITS __float_as_uint\n") +
                             sharedSource + deviceSource;
  Program program;
  nvrtcResult result =
      cuda::nvrtc.nvrtcCreateProgram(&program.handle, source.c_str(), "superkernel.cu", 0, nullptr, nullptr);
  if (result != NVRTC_SUCCESS) throwNvrtcError("nvrtcCreateProgram", result, "");
  // Machine code, not PTX: an NVRTC newer than the driver writes PTX that the driver cannot read.
  const std::string architecture = "--gpu-architecture=sm_" + std::to_string(major * 10 + minor);
  const char *options[] = {architecture.c_str()};
  result = cuda::nvrtc.nvrtcCompileProgram(program.handle, 1, options);
  if (result != NVRTC_SUCCESS) throwCompileError(program.handle, result);
  size_t bytes = 0;
  result = cuda::nvrtc.nvrtcGetCUBINSize(program.handle, &bytes);
  if (result != NVRTC_SUCCESS) throwNvrtcError("nvrtcGetCUBINSize", result, "");
  std::vector<char> image(bytes);
  result = cuda::nvrtc.nvrtcGetCUBIN(program.handle, image.data());
  if (result != NVRTC_SUCCESS) throwNvrtcError("nvrtcGetCUBIN", result, "");
  return image;
}

}  // namespace

uint32_t randomValue(uint64_t index, uint32_t seed, int dtype) { return randomBits(index, seed, dtype); }

Kernels::Kernels(int major, int minor) {
  const std::vector<char> image = compile(major, minor);
  CUmodule loaded = nullptr;
  CU(cuModuleLoadData, &loaded, image.data());
  module.reset(loaded);
  CU(cuModuleGetFunction, &fill, loaded, "fill");
  CU(cuModuleGetFunction, &relu, loaded, "relu");
  CU(cuModuleGetFunction, &reluAt, loaded, "reluAt");
  CU(cuModuleGetFunction, &fetch, loaded, "fetch");
  CU(cuModuleGetFunction, &expand, loaded, "expand");
  CU(cuModuleGetFunction, &stamp, loaded, "stamp");
}
