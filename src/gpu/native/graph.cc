// CUDA graphs: what is submitted to a lane between captureBegin and captureEnd, launched again as one.
#include <algorithm>
#include <string>

#include "context.h"

/** From now on the lane's stream records. */
void Context::beginCapture(Lane &on) {
  if (!cuda::driver.cuGraphInstantiateWithFlags)
    throw UsageError("UNSUPPORTED", "missing cuGraphInstantiateWithFlags (graphs need CUDA 11.4 or later)");
  for (const Lane &each : lanes)
    if (each.captures()) throw UsageError("INVALID", "a graph is being captured already");
  kernels();  // are not loaded while a stream records
  CU(cuStreamBeginCapture_v2, on.stream.get(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
}

/** captureBegin(lane, products): `products` is the room for pointers of batched and grouped launches in the
 * graph. */
void Context::captureBegin(Info info) {
  Lane &on = lane(info);
  const auto products = static_cast<size_t>(boundedArgument(info, 1, "products", 0, 1 << 24));
  auto pointers = std::make_unique<GraphPointers>();
  pointers->capacity = 3 * products;
  if (products > 0) {
    const size_t bytes = sizeof(uint64_t) * 3 * products;
    pointers->pinned = std::make_unique<PinnedMemory>(device, bytes);
    pointers->device = DeviceMemory(bytes);
  }
  beginCapture(on);
  on.capture = std::move(pointers);
}

/** captureGroup(lane, size, steps, products): as captureBegin, for batches whose pointers each launch brings with
 * it. See GroupPointers. */
void Context::captureGroup(Info info) {
  Lane &on = lane(info);
  const int size = boundedArgument(info, 1, "size", 1, maxMembers);
  const int steps = boundedArgument(info, 2, "steps", 1, maxMembers / size);
  const int products = boundedArgument(info, 3, "products", 0, 1 << 24);
  auto pointers = std::make_unique<GroupPointers>(size, steps, products, newMailbox());
  beginCapture(on);
  on.group = std::move(pointers);
  const GroupPointers &group = *on.group;
  try {
    fetch(on, group.mailbox, group.first(), group.firsts());
    if (group.expands())
      expand(on, group.first(), group.expanded(), group.strides(), {}, size, group.firsts());
  } catch (...) {
    dropCapture(on);
    throw;
  }
}

/** The lane's stream has to leave a capture that failed. */
void Context::dropCapture(Lane &on) {
  on.capture.reset();
  on.group.reset();
  CUgraph recorded = nullptr;
  if (cuda::driver.cuStreamEndCapture(on.stream.get(), &recorded) == CUDA_SUCCESS && recorded)
    cuda::driver.cuGraphDestroy(recorded);
}

/** Takes to the device what `expand` reads. From page-locked memory: only then the copy is over when the call returns. */
void Context::sendStrides(GroupPointers &group) {
  if (!group.expands()) return;
  group.taken.resize(group.steps);
  const size_t bytes = sizeof(ProductStride) * group.steps;
  if (!staging || staging->size() < bytes) staging = std::make_unique<PinnedMemory>(device, bytes);
  std::copy(group.taken.begin(), group.taken.end(), staging->host<ProductStride>());
  CU(cuMemcpyHtoD_v2, group.strides(), staging->host<void>(), bytes);
}

/** captureEnd(lane): the graph's number. */
Napi::Value Context::captureEnd(Info info) {
  Lane &on = lane(info);
  if (!on.captures()) throw UsageError("INVALID", "no graph is being captured on the lane");
  std::unique_ptr<GraphPointers> pointers = std::move(on.capture);
  std::unique_ptr<GroupPointers> group = std::move(on.group);
  CUgraph recorded = nullptr;
  CU(cuStreamEndCapture, on.stream.get(), &recorded);
  Graph owner(recorded);
  if (group) sendStrides(*group);
  return Napi::Number::New(info.Env(), keep(std::move(owner), std::move(pointers), std::move(group)));
}

/**
 * launchGroup(lane, ticket, graph): a graph of captureGroup; `operands` are its members' addresses as they lie, `ticket`
 * is that of the launch that it is a part of, which signals it later.
 */
void Context::launchGroup(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  CapturedGraph &launched = graph(intArgument(info, 2));
  if (!launched.group) throw UsageError("INVALID", "the graph is not of a group");
  if (launched.lane >= 0 && launched.lane != on.index && inFlight(launched))
    throw UsageError("IN_FLIGHT", "the graph is in flight on another lane");
  const int members = launched.group->firsts();
  const PointerSlot slot = on.takePointers(members);
  for (int i = 0; i < 3 * members; i++) slot.host[i] = static_cast<uint64_t>(operands[i]);
  Mailbox &mailbox = launched.group->mailbox;
  mailbox.leave(slot.mapped);
  launch(launched, on, ticket);
  mailbox.sent();
}

Mailbox Context::newMailbox() {
  std::shared_ptr<Mailroom> room = mailroom.lock();
  if (!room || room->used == Mailroom::capacity) mailroom = room = std::make_shared<Mailroom>(device, ringSlots);
  return Mailbox(std::move(room));
}

/** Enqueues `fetch` of `members` members' pointers to where they are read. */
void Context::fetch(Lane &lane, const Mailbox &mailbox, CUdeviceptr to, int members) {
  CUdeviceptr entries = mailbox.entries();
  CUdeviceptr turns = mailbox.turns();
  int slots = mailbox.slots();
  int count = 3 * members;
  void *arguments[] = {&entries, &turns, &slots, &to, &count};
  const int warp = 32;
  const unsigned threads = std::min(1024, (count + warp - 1) / warp * warp);
  CU(cuLaunchKernel, kernels().fetch, 1, 1, 1, threads, 1, 1, 0, lane.stream.get(), arguments, nullptr);
}

/** busyElsewhere(lane, graph): whether a launch of the graph on another lane has not completed. */
Napi::Value Context::busyElsewhere(Info info) {
  const Lane &on = lane(info);
  const CapturedGraph &asked = graph(intArgument(info, 1));
  return Napi::Boolean::New(info.Env(), asked.lane >= 0 && asked.lane != on.index && inFlight(asked));
}

/** Makes a graph that can be launched of a recorded one. Returns its number. */
int Context::keep(Graph recorded, std::unique_ptr<GraphPointers> pointers,
                  std::unique_ptr<GroupPointers> group) {
  CUgraphExec instance = nullptr;
  CU(cuGraphInstantiateWithFlags, &instance, recorded.get(), 0);
  if (freeGraphs.empty()) {
    graphs.emplace_back();
    freeGraphs.push_back(static_cast<int>(graphs.size()));
  }
  const int id = freeGraphs.back();
  graphs[id - 1] = std::make_unique<CapturedGraph>(GraphInstance(instance), std::move(pointers),
                                                 std::move(group));
  freeGraphs.pop_back();
  return id;
}

Context::CapturedGraph &Context::graph(int id) {
  if (id < 1 || static_cast<size_t>(id) > graphs.size() || !graphs[id - 1])
    throw UsageError("INVALID", "unknown graph: " + std::to_string(id));
  return *graphs[id - 1];
}

void Context::launch(CapturedGraph &graph, Lane &on, int32_t ticket) {
  CU(cuGraphLaunch, graph.instance.get(), on.stream.get());
  graph.lane = on.index;
  graph.ticket = ticket;
}

/** uploadGraph(lane, graph): takes it to the device behind the lane's work, as its first launch does otherwise. */
void Context::uploadGraph(Info info) {
  Lane &on = lane(info);
  const CapturedGraph &uploaded = graph(intArgument(info, 1));
  if (cuda::driver.cuGraphUpload) CU(cuGraphUpload, uploaded.instance.get(), on.stream.get());
}

/** launchGraph(lane, ticket, graph). */
void Context::launchGraph(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  CapturedGraph &launched = graph(intArgument(info, 2));
  begin(on, ticket);
  launch(launched, on, ticket);
  finish(on, ticket);
}

/** launchGraphs(lane, ticket, count): the graphs whose numbers are in `sequence`, one after another. */
void Context::launchGraphs(Info info) {
  Lane &on = lane(info);
  const int ticket = intArgument(info, 1);
  const int count = boundedArgument(info, 2, "count", 1, kSequenceLength);
  begin(on, ticket);
  oneByOne(count, [&](int i) { launch(graph(sequence[i]), on, ticket); });
  finish(on, ticket);
}

/** True while a launch of the graph may still read its pointers. */
bool Context::inFlight(const CapturedGraph &graph) {
  if (graph.lane < 0) return false;
  const Lane &on = lanes[graph.lane];
  if (graph.ticket != 0) return !on.reached(graph.ticket);
  return cuda::driver.cuStreamQuery(on.stream.get()) ==
         CUDA_ERROR_NOT_READY;  // launched without a ticket of its own
}

/**
 * updateGraph(graph, first, products): from the next launch on, the batch of `products` products that was
 * captured after `first` others reads the addresses in `operands`.
 */
void Context::updateGraph(Info info) {
  CapturedGraph &updated = graph(intArgument(info, 0));
  const int held = updated.pointers ? static_cast<int>(updated.pointers->used / 3) : 0;
  const int first = boundedArgument(info, 1, "first", 0, held);
  const int products = boundedArgument(info, 2, "products", 1, std::min(maxMembers, held - first));
  if (inFlight(updated))
    throw UsageError("RING_FULL", "the graph is in flight: its pointers can change when it has completed");
  uint64_t *a = updated.pointers->pinned->host<uint64_t>() + 3 * static_cast<size_t>(first);
  for (int i = 0; i < products; i++) {
    a[i] = static_cast<uint64_t>(operands[3 * i]);
    a[products + i] = static_cast<uint64_t>(operands[3 * i + 1]);
    a[2 * products + i] = static_cast<uint64_t>(operands[3 * i + 2]);
  }
}

/** destroyGraph(graph): waits for its last launch. */
void Context::destroyGraph(Info info) {
  const int id = intArgument(info, 0);
  const CapturedGraph &ended = graph(id);
  if (inFlight(ended)) CU(cuStreamSynchronize, lanes[ended.lane].stream.get());
  graphs[id - 1].reset();
  freeGraphs.push_back(id);
}
