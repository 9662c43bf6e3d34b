// The addon's own kernels, compiled for the device at hand by NVRTC on first use.
#pragma once

#include "resources.h"

/** Members that one launch of `relu` takes as kernel parameters: 64 pairs are 1 KiB of the 4 KiB allowed. */
inline constexpr int kReluMembers = 64;

struct ReluOperands {
  uint64_t from[kReluMembers];
  uint64_t to[kReluMembers];
};

/** How the addresses of a batch's products follow from those of its members' first ones. */
struct ProductStride {
  uint64_t count = 0;   // products of a member; 0: its addresses are as they come
  uint64_t offset = 0;  // where the batch's addresses begin among those that are made
  uint64_t a = 0;       // bytes from one product to the next
  uint64_t b = 0;
  uint64_t c = 0;
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
  CUfunction reluAt;  // (const uint64 *pointers, int members, uint64 vectors): from pointers[i] to pointers[members + i]
  CUfunction fetch;   // (const uint64 *entries, uint64 *turn, int slots, uint64 *to, int count): see Mailbox
  CUfunction expand;  // (const uint64 *firsts, uint64 *expanded, const ProductStride *strides, ProductStride, int size)
  CUfunction stamp;  // (double *at, uint64 base, int *flag, int ticket)

 private:
  Module module;
};
