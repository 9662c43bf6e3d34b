// Memory-bound kernels: a ReLU over 32-bit floats that reads and writes its operands once.
#include <algorithm>

#include "context.h"

/**
 * submitElementwise(lane, ticket, bytes, size): each member reads `bytes` / 2 at its A and writes as much at
 * its C. Addresses and halves are taken in whole vectors of 16 bytes.
 */
void Context::submitElementwise(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  uint64_t vectors = static_cast<uint64_t>(longArgument(info, 2)) / 32;
  const int size = boundedArgument(info, 3, "size", 1, maxMembers);
  const CUfunction relu = kernels().relu;

  begin(on, ticket);
  if (on.group) {
    // From B to C, as products.
    CUdeviceptr pointers = on.group->next(size, {.count = 1}) + sizeof(uint64_t) * size;
    int members = size;
    const auto blocks = static_cast<unsigned>(
        std::min<uint64_t>((vectors + 255) / 256, std::max(1, 8 * multiprocessors / size)));
    void *arguments[] = {&pointers, &members, &vectors};
    CU(cuLaunchKernel, kernels().reluAt, blocks, size, 1, 256, 1, 1, 0, on.stream.get(), arguments, nullptr);
    return;
  }
  for (int first = 0; first < size && vectors > 0; first += kReluMembers) {
    const int some = std::min(kReluMembers, size - first);
    ReluOperands members = {};
    for (int i = 0; i < some; i++) {
      members.from[i] = static_cast<uint64_t>(operands[3 * (first + i)]);
      members.to[i] = static_cast<uint64_t>(operands[3 * (first + i) + 2]);
    }
    // Eight blocks of 256 threads fill a multiprocessor; more would only queue.
    const auto blocks = static_cast<unsigned>(
        std::min<uint64_t>((vectors + 255) / 256, std::max(1, 8 * multiprocessors / some)));
    void *arguments[] = {&members, &vectors};
    CU(cuLaunchKernel, relu, blocks, some, 1, 256, 1, 1, 0, on.stream.get(), arguments, nullptr);
  }
  finish(on, ticket);
}
