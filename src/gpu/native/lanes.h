// A lane: a CUDA stream with its own cuBLAS handle and workspace, a completion flag, and a ring for operand
// pointers.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels.h"
#include "resources.h"

/** How a lane tells the host that a launch has completed. */
enum class Completion { WriteValue, Memset };

/** How device times are taken: not at all, by event pairs, or by a kernel that reads %globaltimer. */
enum class Timing { None, Events, GlobalTimer };

/** A stretch of operand pointers: where the host writes them, where the device sees that, and where cuBLAS reads them. */
struct PointerSlot {
  uint64_t *host;
  CUdeviceptr mapped;
  CUdeviceptr device;
};

/** Room for mailboxes: what the host writes, and what the device counts. */
struct Mailroom {
  /** Page-locking memory takes the host a call for all of them: at most 4 MB, with a ring of 1024 slots. */
  static constexpr int capacity = 512;
  Mailroom(const std::shared_ptr<DeviceContext> &context, int slots);

  const int slots;
  PinnedMemory entries;
  DeviceMemory turns;
  int used = 0;
};

/**
 * How a recorded group learns where its pointers are: the host leaves the address of its ring slot, and the graph's first
 * kernel, `fetch`, takes one at each launch, in order. No more launches are in flight than a ring has slots. On an H200
 * enqueuing a copy takes the host 3 us, and the device as long as `fetch`; a batch of one kernel would end 1 us later with it.
 */
class Mailbox {
 public:
  explicit Mailbox(std::shared_ptr<Mailroom> in) : room(std::move(in)), index(room->used++) {}

  /** For the next launch, also where the last one failed. */
  void leave(CUdeviceptr pointers) { room->entries.host<uint64_t>()[first() + turn % room->slots] = pointers; }
  /** The launch has been enqueued. */
  void sent() { turn++; }

  CUdeviceptr entries() const { return room->entries.address() + sizeof(uint64_t) * first(); }
  CUdeviceptr turns() const { return room->turns.address() + sizeof(uint64_t) * index; }
  int slots() const { return room->slots; }

 private:
  size_t first() const { return static_cast<size_t>(index) * room->slots; }

  std::shared_ptr<Mailroom> room;
  int index = 0;
  uint64_t turn = 0;
};

/** Pointers that a captured graph reads at each of its launches. */
struct GraphPointers {
  std::unique_ptr<PinnedMemory> pinned;
  DeviceMemory device;
  size_t capacity = 0;
  size_t used = 0;
};

/**
 * Where the batches of a recorded group find their operands. A launch brings the addresses of the members' first products
 * along; those of further products are made of them on the device.
 */
class GroupPointers {
 public:
  /** For `steps` batches of `size` members; `products` in all of those whose members have several. */
  GroupPointers(int size, int steps, size_t products, Mailbox mailbox);

  /** Where the next batch reads: all A, all B, all C. */
  CUdeviceptr next(int members, const ProductStride &stride);

  /** Whether `expand` has anything to do. */
  bool expands() const { return room > 0; }
  /** Where a launch brings `firsts()` members' addresses. */
  CUdeviceptr first() const { return device.address(); }
  int firsts() const { return size * steps; }
  CUdeviceptr strides() const { return first() + sizeof(uint64_t) * 3 * firsts(); }
  CUdeviceptr expanded() const { return strides() + sizeof(ProductStride) * steps; }

  /** What `expand` reads at `strides()`: one a step. */
  std::vector<ProductStride> taken;

  Mailbox mailbox;

  const int size;
  const int steps;

 private:
  DeviceMemory device;
  size_t room;  // products
  size_t used = 0;
};

struct LaneOptions {
  size_t workspaceBytes;  // 0 leaves the workspace to cuBLAS
  int maxMembers;
  int ringSlots;
  int priority;
  bool mappedPointers;  // the device reads the pinned ring itself: no copy is enqueued
  Completion completion;
  bool events;
};

class Lane {
 public:
  Lane(const std::shared_ptr<DeviceContext> &context, int index, const LaneOptions &options,
       volatile int32_t *flag, CUdeviceptr flagAddress);
  Lane(Lane &&) = default;

  /**
   * Room for the pointers of `count` products, three each. Throws RING_FULL where the slot's last user has
   * not completed: a slot belongs to the ticket that its launch signals.
   */
  PointerSlot takePointers(int count);

  /** Enqueues the copy of `count` products' pointers to the device, where one is needed. */
  void sendPointers(const PointerSlot &slot, int count);

  /** Enqueues the copy of `count` members' first pointers to where a recorded batch reads them. */
  void sendPointersTo(CUdeviceptr address, const PointerSlot &slot, int count);

  /** Enqueues the write of `ticket` to the lane's flag. */
  void writeFlag(int32_t ticket);

  /** Ties the ring slots taken since the last call to `ticket`, whose flag write has been enqueued. */
  void seal(int32_t ticket);

  /** True once the flag has reached `ticket`; tickets may wrap around. */
  bool reached(int32_t ticket) const {
    return static_cast<int32_t>(static_cast<uint32_t>(*flag) - static_cast<uint32_t>(ticket)) >= 0;
  }

  int index;
  Stream stream;
  DeviceMemory workspace;
  size_t workspaceBytes;
  /**
   * Pointers of recorded batches: their graphs read them here, each launch after a copy of its own; those of all products
   * where members have several, which come behind what is copied.
   */
  DeviceMemory graphPointers;
  CUdeviceptr expandedPointers() const { return graphPointers.address() + sizeof(uint64_t) * 3 * maxMembers; }
  CublasHandle blas;
  volatile int32_t *flag;
  CUdeviceptr flagAddress;
  /** One of them is set while the lane records a graph. */
  std::unique_ptr<GraphPointers> capture;
  std::unique_ptr<GroupPointers> group;
  bool captures() const { return capture || group; }
  /** Start and end events by slot; empty unless events time the launches. */
  std::vector<Event> starts;
  std::vector<Event> ends;

 private:
  int maxMembers;
  int ringSlots;
  Completion completion;
  bool mappedPointers;
  std::unique_ptr<PinnedMemory> ring;
  DeviceMemory deviceRing;
  std::vector<int32_t> slotTickets;
  uint64_t taken = 0;   // slots ever taken
  uint64_t sealed = 0;  // of these, slots that have a ticket
};
