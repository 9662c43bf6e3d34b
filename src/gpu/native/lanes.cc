// Lanes: streams with completion flags that the host polls, and rings of operand pointers.
#include "lanes.h"

#include <string>

Lane::Lane(const std::shared_ptr<DeviceContext> &context, int index, const LaneOptions &options,
           volatile int32_t *flag, CUdeviceptr flagAddress)
    : index(index),
      workspaceBytes(options.workspaceBytes),
      flag(flag),
      flagAddress(flagAddress),
      maxMembers(options.maxMembers),
      ringSlots(options.ringSlots),
      completion(options.completion),
      mappedPointers(options.mappedPointers),
      slotTickets(options.ringSlots) {
  CUstream created = nullptr;
  // Non-blocking: a lane must not wait for the default stream, where set-up work runs.
  CU(cuStreamCreateWithPriority, &created, CU_STREAM_NON_BLOCKING, options.priority);
  stream.reset(created);

  cublasHandle_t handle = nullptr;
  CUBLAS(cublasCreate_v2, &handle);
  blas.reset(handle);
  CUBLAS(cublasSetStream_v2, handle, created);
  if (options.workspaceBytes > 0) {
    // After the stream, whose setting resets the workspace. Without one of its own, cuBLAS may allocate when
    // it captures.
    workspace = DeviceMemory(options.workspaceBytes);
    CUBLAS(cublasSetWorkspace_v2, handle, reinterpret_cast<void *>(workspace.address()),
           options.workspaceBytes);
  }
  CUBLAS(cublasSetMathMode, handle, CUBLAS_DEFAULT_MATH);

  const size_t ringBytes = sizeof(uint64_t) * 3 * maxMembers * ringSlots;
  ring = std::make_unique<PinnedMemory>(context, ringBytes);
  if (!mappedPointers) deviceRing = DeviceMemory(ringBytes);
  graphPointers = DeviceMemory(sizeof(uint64_t) * 6 * maxMembers);
  if (options.events) {
    for (int i = 0; i < ringSlots; i++) {
      starts.push_back(makeEvent());
      ends.push_back(makeEvent());
    }
  }
}

Mailroom::Mailroom(const std::shared_ptr<DeviceContext> &context, int slots)
    : slots(slots),
      entries(context, sizeof(uint64_t) * slots * capacity),
      turns(sizeof(uint64_t) * capacity) {
  CU(cuMemsetD8_v2, turns.address(), 0, sizeof(uint64_t) * capacity);
}

GroupPointers::GroupPointers(int size, int steps, size_t products, Mailbox mailbox)
    : mailbox(std::move(mailbox)),
      size(size),
      steps(steps),
      device(sizeof(uint64_t) * 3 * (size * steps + products) + sizeof(ProductStride) * steps),
      room(products) {}

CUdeviceptr GroupPointers::next(int members, const ProductStride &stride) {
  const size_t step = taken.size();
  if (step == static_cast<size_t>(steps))
    throw UsageError("INVALID", "too many batches in the graph (expected " + std::to_string(steps) + ")");
  if (members != size) {
    throw UsageError("INVALID", "invalid size: " + std::to_string(members) +
                                    " members in a batch of the graph (expected " + std::to_string(size) + ")");
  }
  if (stride.count == 1) {
    taken.push_back({});
    return first() + sizeof(uint64_t) * 3 * size * step;
  }
  const size_t products = size * stride.count;
  if (used + products > room) {
    throw UsageError("INVALID", "too many products in the graph (expected at most " + std::to_string(room) +
                                    " of members with several)");
  }
  taken.push_back(stride);
  taken.back().offset = 3 * used;
  used += products;
  return expanded() + sizeof(uint64_t) * taken.back().offset;
}

PointerSlot Lane::takePointers(int count) {
  if (count > maxMembers) {
    throw UsageError("INVALID", "invalid size: " + std::to_string(count) +
                                    " products in one launch (expected at most " +
                                    std::to_string(maxMembers) + ")");
  }
  if (group) throw UsageError("INVALID", "a group takes batches and element-wise kernels only");
  if (capture) {
    const size_t offset = capture->used;
    if (offset + 3 * count > capture->capacity) {
      throw UsageError("INVALID", "too many products in the graph (expected at most " +
                                      std::to_string(capture->capacity / 3) + ")");
    }
    capture->used += 3 * count;
    const size_t bytes = offset * sizeof(uint64_t);
    return {capture->pinned->host<uint64_t>() + offset, capture->pinned->address() + bytes,
            capture->device.address() + bytes};
  }
  if (taken >= static_cast<uint64_t>(ringSlots)) {
    const uint64_t previous = taken - ringSlots;
    if (previous >= sealed || !reached(slotTickets[previous % ringSlots])) {
      throw UsageError("RING_FULL", "pointer ring is full: " + std::to_string(ringSlots) +
                                        " launches of the lane have not completed");
    }
  }
  const size_t offset = (taken++ % ringSlots) * 3 * maxMembers;
  const size_t bytes = offset * sizeof(uint64_t);
  const CUdeviceptr mapped = ring->address() + bytes;
  return {ring->host<uint64_t>() + offset, mapped, mappedPointers ? mapped : deviceRing.address() + bytes};
}

void Lane::sendPointers(const PointerSlot &slot, int count) {
  if (!capture && mappedPointers) return;
  CU(cuMemcpyHtoDAsync_v2, slot.device, slot.host, sizeof(uint64_t) * 3 * count, stream.get());
}

void Lane::sendPointersTo(CUdeviceptr address, const PointerSlot &slot, int count) {
  CU(cuMemcpyHtoDAsync_v2, address, slot.host, sizeof(uint64_t) * 3 * count, stream.get());
}

void Lane::writeFlag(int32_t ticket) {
  const auto value = static_cast<uint32_t>(ticket);
  if (completion == Completion::Memset) {
    CU(cuMemsetD32Async, flagAddress, value, 1, stream.get());
  } else if (cuda::driver.cuStreamWriteValue32_v2) {
    CU(cuStreamWriteValue32_v2, stream.get(), flagAddress, value, CU_STREAM_WRITE_VALUE_DEFAULT);
  } else {
    CU(cuStreamWriteValue32, stream.get(), flagAddress, value, CU_STREAM_WRITE_VALUE_DEFAULT);
  }
}

void Lane::seal(int32_t ticket) {
  for (; sealed < taken; sealed++) slotTickets[sealed % ringSlots] = ticket;
}
