// The JavaScript class `Context`: one device, its lanes, its memory. Methods are grouped by file: context.cc
// (life), memory.cc, gemm.cc, elementwise.cc, graph.cc, timing.cc. Every method but `destroy` throws once
// destroyed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "arguments.h"
#include "kernels.h"
#include "lanes.h"

/** Nanoseconds of CLOCK_MONOTONIC. */
double nowNs();

/** What cuBLAS needs to know of a data type; the codes are those of `dataTypeCode` in src/gpu/cuda.ts. */
struct DataTypeInfo {
  cudaDataType_t stored;
  cublasComputeType_t compute;
  int bytes;
};
const DataTypeInfo &dataType(int code);

/** One GEMM: row-major C[m,n] = A[m,k] B[k,n], A stored as its transpose. */
struct GemmShape {
  int dtype;
  int m;
  int n;
  int k;
};

class Context : public Napi::ObjectWrap<Context> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Context(const Napi::CallbackInfo &info);
  ~Context() override { release(); }

 private:
  using Info = const Napi::CallbackInfo &;
  struct CapturedGraph {
    GraphInstance instance;
    std::unique_ptr<GraphPointers> pointers;
    std::unique_ptr<GroupPointers> group;
    int lane = -1;  // of the last launch
    int32_t ticket = 0;
  };

  /** The form in which N-API calls a method: context made current, exceptions turned. */
  template <auto method>
  Napi::Value call(Info info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      if (!device) throw UsageError("DESTROYED", "the context has been destroyed");
      device->bind();
      if constexpr (std::is_void_v<std::invoke_result_t<decltype(method), Context &, Info>>) {
        (this->*method)(info);
        return info.Env().Undefined();
      } else {
        return (this->*method)(info);
      }
    });
  }

  /** Submits what runs one after another: the device has the first part while the host submits the others. */
  template <typename Submit>
  void oneByOne(int count, Submit submit) {
    submit(0);
    if (count == 1) return;
    const double first = nowNs();
    for (int i = 1; i < count; i++) submit(i);
    *headStart = nowNs() - first;
  }

  // context.cc
  void destroy(Info info);
  void synchronize(Info info);
  Napi::Value query(Info info);
  void makeLanes(const Napi::Object &options);
  void startTiming();
  void makeViews(Napi::Env env, Napi::Object self);
  void detachViews();
  void release() noexcept;
  Lane &lane(Info info);
  Kernels &kernels();

  // memory.cc
  Napi::Value alloc(Info info);
  void free(Info info);
  void fill(Info info);
  void memset(Info info);
  void upload(Info info);
  void download(Info info);
  Napi::Value memoryInfo(Info info);

  // gemm.cc
  void submitGemm(Info info);
  void submitStrided(Info info);
  void submitSequence(Info info);
  void submitBatched(Info info);
  void submitGrouped(Info info);
  void setWorkspace(Info info);
  void batched(Lane &lane, const GemmShape &shape, int products, CUdeviceptr pointers);
  void expand(Lane &lane, CUdeviceptr firsts, CUdeviceptr expanded, CUdeviceptr strides, ProductStride one,
              int size, int members);
  void writePointers(uint64_t *to, const GemmShape &shape, int count, int size) const;
  void gemm(Lane &lane, const GemmShape &shape, uint64_t a, uint64_t b, uint64_t c);
  void strided(Lane &lane, const GemmShape &shape, int count, const int64_t strides[3], uint64_t a,
               uint64_t b, uint64_t c);

  // elementwise.cc
  void submitElementwise(Info info);

  // graph.cc
  Mailbox newMailbox();
  void fetch(Lane &lane, const Mailbox &mailbox, CUdeviceptr to, int members);
  void captureBegin(Info info);
  void captureGroup(Info info);
  void launchGroup(Info info);
  Napi::Value busyElsewhere(Info info);
  Napi::Value captureEnd(Info info);
  void uploadGraph(Info info);
  void launchGraph(Info info);
  void launchGraphs(Info info);
  Napi::Value captureBatched(Info info);
  void launchBatched(Info info);
  void updateGraph(Info info);
  void destroyGraph(Info info);
  CapturedGraph &graph(int id);
  void beginCapture(Lane &lane);
  void dropCapture(Lane &lane);
  void sendStrides(GroupPointers &group);
  int keep(Graph recorded, std::unique_ptr<GraphPointers> pointers, std::unique_ptr<GroupPointers> group);
  void launch(CapturedGraph &graph, Lane &lane, int32_t ticket);
  bool inFlight(const CapturedGraph &graph);

  // timing.cc
  void begin(Info info);
  void finish(Info info);
  void begin(Lane &lane, int32_t ticket);
  void finish(Lane &lane, int32_t ticket);
  void stamp(Lane &lane, size_t slot, int32_t ticket);
  void readTiming(Info info);
  Napi::Value calibrateClock(Info info);
  Napi::Value waitFlags(Info info);
  Napi::Value benchLoop(Info info);
  void spin(Lane &lane, int32_t ticket);
  /** The entry of `timings` that no launch uses. */
  size_t scratchTiming() const { return timings->size() / sizeof(double) - 1; }

  std::shared_ptr<DeviceContext> device;
  int computeMajor = 0;
  int computeMinor = 0;
  int multiprocessors = 0;
  int maxMembers = 0;
  int ringSlots = 0;
  Timing timing = Timing::None;
  Completion completion = Completion::WriteValue;
  std::vector<Lane> lanes;
  std::map<CUdeviceptr, DeviceMemory> allocations;
  std::optional<Kernels> compiled;
  std::vector<std::unique_ptr<CapturedGraph>> graphs;  // by number - 1
  std::vector<int> freeGraphs;                         // numbers to use again
  std::unique_ptr<PinnedMemory> staging;
  std::weak_ptr<Mailroom> mailroom;  // the last one, while any graph has a mailbox there

  // Views that JavaScript shares. The pinned ones live as long as either side holds them.
  std::shared_ptr<PinnedMemory> flags;  // int32 a lane
  std::shared_ptr<PinnedMemory>
      timings;                    // two doubles (start, end in device ns) a lane and slot, and one scratch
  double *operands = nullptr;     // three addresses a member: A, B, C
  int32_t *shapes = nullptr;      // four numbers a group: m, n, k, members
  int32_t *sequence = nullptr;    // graphs for launchGraphs
  double *headStart = nullptr;    // in ns: see binding.ts
  std::vector<int> groupLengths;  // scratch of submitGrouped: seven arrays of maxMembers
  std::vector<cublasOperation_t> groupOperations;
  std::vector<float> groupAlphas;
  std::vector<float> groupBetas;

  uint64_t timerBase = 0;  // %globaltimer at creation
  Event baseEvent;         // event times are measured from this one,
  double baseNs = 0;       // which was at this time
};

/** Graphs that one `launchGraphs` takes at most. */
inline constexpr int kSequenceLength = 4096;

inline int attributeOf(CUdevice device, CUdevice_attribute which) {
  int value = 0;
  CU(cuDeviceGetAttribute, &value, which, device);
  return value;
}

Napi::Value probeDevices(const Napi::CallbackInfo &info);
Napi::Value readNvml(const Napi::CallbackInfo &info);
Napi::Value createShared(const Napi::CallbackInfo &info);
void closeShared(const Napi::CallbackInfo &info);
Napi::Value mapShared(const Napi::CallbackInfo &info);
