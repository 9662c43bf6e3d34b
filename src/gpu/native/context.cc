// Life of a Context: construction from options, waiting, destruction.
#include "context.h"

#include <string>

namespace {

/** Lets JavaScript see pinned memory; the memory is freed when neither side needs it, or at `destroy`. */
Napi::ArrayBuffer viewOf(Napi::Env env, const std::shared_ptr<PinnedMemory> &memory) {
  auto *keeper = new std::shared_ptr<PinnedMemory>(memory);
  return Napi::ArrayBuffer::New(
      env, memory->host<void>(), memory->size(),
      [](Napi::Env, void *, std::shared_ptr<PinnedMemory> *held) { delete held; }, keeper);
}

void defineConstant(Napi::Object object, const char *name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
}

int intOption(const Napi::Object &options, const char *name) {
  return options.Get(name).As<Napi::Number>().Int32Value();
}

}  // namespace

void checkBounds(const char *name, int value, int low, int high) {
  if (value >= low && value <= high) [[likely]]
    return;
  throw UsageError("INVALID", std::string("invalid ") + name + ": " + std::to_string(value) + " (expected " +
                                  std::to_string(low) + " to " + std::to_string(high) + ")");
}

Context::Context(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Context>(info) {
  guarded(info.Env(), [&] {
    if (!isOpen(LibraryKind::Driver) || !isOpen(LibraryKind::Cublas)) {
      throw UsageError("NOT_OPEN", "the CUDA libraries have not been opened");
    }
    const auto options = info[1].As<Napi::Object>();
    maxMembers = intOption(options, "maxMembers");
    ringSlots = intOption(options, "ringSlots");
    timing = static_cast<Timing>(intOption(options, "timing"));
    CU(cuInit, 0);
    CUdevice handle = 0;
    CU(cuDeviceGet, &handle, intArgument(info, 0));
    device = std::make_shared<DeviceContext>(handle, options.Get("ownContext").ToBoolean());
    try {
      device->bind();
      computeMajor = attributeOf(handle, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
      computeMinor = attributeOf(handle, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
      multiprocessors = attributeOf(handle, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
      makeLanes(options);
      startTiming();
      makeViews(info.Env(), info.This().As<Napi::Object>());
    } catch (...) {
      release();
      throw;
    }
  });
}

void Context::makeLanes(const Napi::Object &options) {
  const int count = intOption(options, "lanes");
  const auto priorities = options.Get("priorities").As<Napi::Int32Array>();
  const bool canWrite = cuda::driver.cuStreamWriteValue32_v2 ||
                        (cuda::driver.cuStreamWriteValue32 &&
                         attributeOf(device->device, CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1) != 0);
  completion =
      canWrite && !options.Get("memsetFlags").ToBoolean() ? Completion::WriteValue : Completion::Memset;
  LaneOptions its = {
      .workspaceBytes = static_cast<size_t>(options.Get("workspaceBytes").As<Napi::Number>().Int64Value()),
      .maxMembers = maxMembers,
      .ringSlots = ringSlots,
      .priority = 0,
      .mappedPointers = options.Get("mappedPointers").ToBoolean(),
      .completion = completion,
      .events = timing == Timing::Events,
  };
  flags = std::make_shared<PinnedMemory>(device, sizeof(int32_t) * count);
  timings = std::make_shared<PinnedMemory>(device,
                                           sizeof(double) * (2 * static_cast<size_t>(count) * ringSlots + 1));
  for (int i = 0; i < count; i++) {
    its.priority = static_cast<size_t>(i) < priorities.ElementLength() ? priorities[i] : 0;
    lanes.emplace_back(device, i, its, flags->host<int32_t>() + i, flags->address() + sizeof(int32_t) * i);
  }
  groupLengths.resize(7 * static_cast<size_t>(maxMembers));
  groupOperations.assign(maxMembers, CUBLAS_OP_N);
  groupOperations.resize(2 * maxMembers, CUBLAS_OP_T);
  groupAlphas.assign(maxMembers, 1.0f);
  groupBetas.assign(maxMembers, 0.0f);
}

void Context::startTiming() {
  if (timing == Timing::Events) {
    baseEvent = makeEvent();
    CU(cuEventRecord, baseEvent.get(), lanes[0].stream.get());
  } else if (timing == Timing::GlobalTimer) {
    // The first reading becomes the base. A double drops its last 256 ns; any base will do.
    stamp(lanes[0], scratchTiming(), 0);
    CU(cuStreamSynchronize, lanes[0].stream.get());
    timerBase = static_cast<uint64_t>(timings->host<double>()[scratchTiming()]);
  }
}

void Context::makeViews(Napi::Env env, Napi::Object self) {
  auto operandView = Napi::Float64Array::New(env, 3 * static_cast<size_t>(maxMembers));
  auto shapeView = Napi::Int32Array::New(env, 4 * static_cast<size_t>(maxMembers));
  operands = operandView.Data();
  shapes = shapeView.Data();
  auto sequenceView = Napi::Int32Array::New(env, kSequenceLength);
  sequence = sequenceView.Data();
  auto headStartView = Napi::Float64Array::New(env, 1);
  headStart = headStartView.Data();
  defineConstant(self, "sequence", sequenceView);
  defineConstant(self, "headStart", headStartView);
  defineConstant(self, "operands", operandView);
  defineConstant(self, "shapes", shapeView);
  defineConstant(self, "flags", Napi::Int32Array::New(env, lanes.size(), viewOf(env, flags), 0));
  defineConstant(self, "timings", Napi::Float64Array::New(env, scratchTiming(), viewOf(env, timings), 0));
  const Cublas &blas = cuda::cublas;
  const char *grouped = blas.cublasGemmGroupedBatchedEx  ? "all"
                        : blas.cublasSgemmGroupedBatched ? "fp32"
                                                         : "none";
  defineConstant(self, "grouped", Napi::String::New(env, grouped));
  defineConstant(self, "workspaceBytes", Napi::Number::New(env, lanes[0].workspaceBytes));
  defineConstant(self, "graphs", Napi::Boolean::New(env, cuda::driver.cuGraphInstantiateWithFlags != nullptr));
  const char *writing = completion == Completion::WriteValue ? "writeValue" : "memset";
  defineConstant(self, "completion", Napi::String::New(env, writing));
}

void Context::release() noexcept {
  if (!device) return;
  try {
    device->bind();
    for (const Lane &each : lanes) cuda::driver.cuStreamSynchronize(each.stream.get());
  } catch (const CallError &) {
    // A lost device refuses every call: what follows then only frees the host's side.
  }
  baseEvent.reset();
  graphs.clear();
  staging.reset();
  lanes.clear();
  allocations.clear();
  compiled.reset();
  flags.reset();
  timings.reset();
  device.reset();
}

void Context::detachViews() {
  for (const char *name : {"flags", "timings"}) {
    auto buffer = Value().Get(name).As<Napi::TypedArray>().ArrayBuffer();
    if (!buffer.IsDetached()) buffer.Detach();
  }
}

void Context::destroy(Info) {
  if (!device) return;
  // First take the views away: a read after the memory is gone would end the process.
  detachViews();
  const auto shared = {flags, timings};
  release();
  for (const auto &memory : shared) memory->release();
}

Lane &Context::lane(Info info) {
  return lanes[boundedArgument(info, 0, "lane", 0, static_cast<int>(lanes.size()) - 1)];
}

Kernels &Context::kernels() {
  if (!compiled) compiled.emplace(computeMajor, computeMinor);
  return *compiled;
}

void Context::synchronize(Info info) {
  if (info.Length() == 0 || info[0].IsUndefined()) {
    // Not the CUDA context: another thread may have a stream of it record, which that would be an error for.
    for (const Lane &each : lanes) CU(cuStreamSynchronize, each.stream.get());
  } else {
    CU(cuStreamSynchronize, lane(info).stream.get());
  }
}

Napi::Value Context::query(Info info) {
  const CUresult result = cuda::driver.cuStreamQuery(lane(info).stream.get());
  if (result != CUDA_SUCCESS && result != CUDA_ERROR_NOT_READY) throwDriverError("cuStreamQuery", result);
  return Napi::Boolean::New(info.Env(), result == CUDA_SUCCESS);
}

Napi::Function Context::define(Napi::Env env) {
#define METHOD(name) InstanceMethod<&Context::call<&Context::name>>(#name)
#define OVERLOADED(name) \
  InstanceMethod<&Context::call<static_cast<void (Context::*)(Info)>(&Context::name)>>(#name)
  return DefineClass(env, "Context",
                     {
                         InstanceMethod<&Context::destroy>("destroy"),
                         METHOD(synchronize),
                         METHOD(query),
                         METHOD(alloc),
                         METHOD(free),
                         METHOD(fill),
                         METHOD(memset),
                         METHOD(upload),
                         METHOD(download),
                         METHOD(memoryInfo),
                         METHOD(submitGemm),
                         METHOD(submitStrided),
                         METHOD(submitSequence),
                         METHOD(submitBatched),
                         METHOD(submitGrouped),
                         METHOD(submitElementwise),
                         METHOD(captureBegin),
                         METHOD(captureGroup),
                         METHOD(launchGroup),
                         METHOD(busyElsewhere),
                         METHOD(captureEnd),
                         METHOD(uploadGraph),
                         METHOD(launchGraph),
                         METHOD(launchGraphs),
                         METHOD(captureBatched),
                         METHOD(launchBatched),
                         METHOD(setWorkspace),
                         METHOD(updateGraph),
                         METHOD(destroyGraph),
                         OVERLOADED(begin),
                         OVERLOADED(finish),
                         METHOD(readTiming),
                         METHOD(calibrateClock),
                         METHOD(waitFlags),
                         METHOD(benchLoop),
                     });
#undef METHOD
#undef OVERLOADED
}
