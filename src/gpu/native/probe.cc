// What the machine has: devices with their properties, and the state of a device by NVML.
#include <string>

#include "context.h"

namespace {

Napi::Object describe(Napi::Env env, int ordinal) {
  CUdevice device = 0;
  CU(cuDeviceGet, &device, ordinal);
  char name[256] = {};
  char busId[32] = {};
  size_t memory = 0;
  CU(cuDeviceGetName, name, sizeof name, device);
  CU(cuDeviceGetPCIBusId, busId, sizeof busId, device);
  CU(cuDeviceTotalMem_v2, &memory, device);
  const auto number = [&](double value) { return Napi::Number::New(env, value); };
  auto result = Napi::Object::New(env);
  result["ordinal"] = number(ordinal);
  result["name"] = Napi::String::New(env, name);
  result["busId"] = Napi::String::New(env, busId);
  result["memoryBytes"] = number(static_cast<double>(memory));
  result["computeMajor"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
  result["computeMinor"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
  result["multiprocessors"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
  result["threadsPerMultiprocessor"] =
      number(attributeOf(device, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR));
  result["sharedMemoryPerMultiprocessor"] =
      number(attributeOf(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR));
  result["l2Bytes"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE));
  result["clockKHz"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_CLOCK_RATE));
  result["memoryClockKHz"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE));
  result["memoryBusBits"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH));
  result["computeMode"] = number(attributeOf(device, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE));
  return result;
}

}  // namespace

/** devices(): one object a CUDA device, by ordinal. */
Napi::Value probeDevices(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!isOpen(LibraryKind::Driver)) throw UsageError("NOT_OPEN", "the CUDA driver has not been opened");
    CU(cuInit, 0);
    int count = 0;
    CU(cuDeviceGetCount, &count);
    auto result = Napi::Array::New(info.Env(), count);
    for (int i = 0; i < count; i++) result[static_cast<uint32_t>(i)] = describe(info.Env(), i);
    return result;
  });
}

/** nvml(busId): clocks, power and temperature now. A reading that the device does not give is NaN. */
Napi::Value readNvml(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!isOpen(LibraryKind::Nvml)) throw UsageError("NOT_OPEN", "NVML has not been opened");
    const Nvml &nvml = cuda::nvml;
    const std::string busId = info[0].As<Napi::String>();
    nvmlDevice_t device = nullptr;
    nvmlReturn_t status = nvml.nvmlInit_v2();  // counted: later calls are cheap
    if (status != NVML_SUCCESS)
      throw CallError("nvmlInit_v2", "NVML_ERROR_" + std::to_string(status), status, "");
    status = nvml.nvmlDeviceGetHandleByPciBusId_v2(busId.c_str(), &device);
    if (status != NVML_SUCCESS)
      throw CallError("nvmlDeviceGetHandleByPciBusId_v2", "NVML_ERROR_" + std::to_string(status), status,
                      busId);

    auto result = Napi::Object::New(info.Env());
    const auto set = [&](const char *name, nvmlReturn_t read, double value) {
      result[name] = Napi::Number::New(info.Env(), read == NVML_SUCCESS ? value : __builtin_nan(""));
    };
    char version[96] = {};
    nvml.nvmlSystemGetDriverVersion(version, sizeof version);
    result["driverVersion"] = Napi::String::New(info.Env(), version);
    unsigned value = 0;
    nvmlReturn_t read = nvml.nvmlDeviceGetClockInfo(device, NVML_CLOCK_SM, &value);
    set("smClockMHz", read, value);
    read = nvml.nvmlDeviceGetClockInfo(device, NVML_CLOCK_MEM, &value);
    set("memoryClockMHz", read, value);
    read = nvml.nvmlDeviceGetPowerUsage(device, &value);
    set("powerWatts", read, value / 1e3);
    read = nvml.nvmlDeviceGetTemperature(device, NVML_TEMPERATURE_GPU, &value);
    set("temperatureCelsius", read, value);
    unsigned long long reasons = 0;
    read = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device, &reasons);
    set("throttleReasons", read, static_cast<double>(reasons));
    return result;
  });
}
