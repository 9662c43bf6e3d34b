// The addon's own kernels, compiled for the device at hand by NVRTC on first use.
#pragma once

#include "resources.h"

/** Members that one launch of `relu` takes as kernel parameters: 64 pairs are 1 KiB of the 4 KiB allowed. */
inline constexpr int kReluMembers = 64;

struct ReluOperands {
  uint64_t from[kReluMembers];
  uint64_t to[kReluMembers];
};

/** One of the addon's random values, the same on host and device: uniform in (-1, 1), exact in its data type.
 */
uint32_t randomValue(uint64_t index, uint32_t seed, int dtype);

class Kernels {
 public:
  /** Compiles for compute capability `major`.`minor`. Throws where NVRTC is missing or refuses the
   * architecture. */
  Kernels(int major, int minor);

  CUfunction fill;   // (void *out, uint64 count, uint32 seed, int dtype)
  CUfunction relu;   // (ReluOperands, uint64 vectors of 16 bytes)
  CUfunction reluAt;  // (const uint64 *pointers, int members, uint64 vectors): from pointers[i] to pointers[2 members + i]
  CUfunction stamp;  // (double *at, uint64 base, int *flag, int ticket)

 private:
  Module module;
};
