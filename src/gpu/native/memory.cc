// Device memory: allocation, contents, transfer. All of it waits for its own work; lanes are not waited for.
#include <algorithm>
#include <string>

#include "context.h"

namespace {

struct Bytes {
  char *start;
  size_t length;
};

Bytes bytesOf(const Napi::Value &value) {
  const auto array = value.As<Napi::TypedArray>();
  return {static_cast<char *>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
}

}  // namespace

Napi::Value Context::alloc(Info info) {
  DeviceMemory memory(static_cast<size_t>(longArgument(info, 0)));
  const CUdeviceptr address = memory.address();
  allocations.emplace(address, std::move(memory));
  // Device addresses have at most 49 bits, so a double holds them exactly.
  return Napi::Number::New(info.Env(), static_cast<double>(address));
}

void Context::free(Info info) {
  const CUdeviceptr address = addressArgument(info, 0);
  if (allocations.erase(address) == 0) {
    throw UsageError("INVALID", "invalid address to free: " + std::to_string(address) +
                                    " (not allocated by this context, or freed before)");
  }
}

/** fill(address, count, dtype, seed): random values in (-1, 1), the same for a seed on every machine. */
void Context::fill(Info info) {
  CUdeviceptr address = addressArgument(info, 0);
  auto count = static_cast<uint64_t>(longArgument(info, 1));
  int dtype = intArgument(info, 2);
  uint32_t seed = info[3].As<Napi::Number>().Uint32Value();
  const int bytes = dataType(dtype).bytes;
  if (count == 0) return;

  if (isOpen(LibraryKind::Nvrtc)) {
    void *arguments[] = {&address, &count, &seed, &dtype};
    const auto blocks = static_cast<unsigned>(std::min<uint64_t>((count + 255) / 256, 32u * multiprocessors));
    CU(cuLaunchKernel, kernels().fill, blocks, 1, 1, 256, 1, 1, 0, nullptr, arguments, nullptr);
  } else {
    std::vector<char> chunk(4 << 20);
    const uint64_t perChunk = chunk.size() / bytes;
    for (uint64_t from = 0; from < count; from += perChunk) {
      const uint64_t some = std::min(perChunk, count - from);
      for (uint64_t i = 0; i < some; i++) {
        const uint32_t value = randomValue(from + i, seed, dtype);
        __builtin_memcpy(chunk.data() + i * bytes, &value, bytes);  // both sides are little-endian
      }
      CU(cuMemcpyHtoD_v2, address + from * bytes, chunk.data(), some * bytes);
    }
  }
  CU(cuStreamSynchronize, nullptr);
}

/** memset(address, byte, bytes). */
void Context::memset(Info info) {
  const auto value = static_cast<unsigned char>(info[1].As<Napi::Number>().Uint32Value());
  CU(cuMemsetD8_v2, addressArgument(info, 0), value, static_cast<size_t>(longArgument(info, 2)));
  CU(cuStreamSynchronize, nullptr);
}

/** upload(address, typedArray). */
void Context::upload(Info info) {
  const Bytes from = bytesOf(info[1]);
  CU(cuMemcpyHtoD_v2, addressArgument(info, 0), from.start, from.length);
  // From pageable memory the call may return before the last piece has arrived.
  CU(cuStreamSynchronize, nullptr);
}

/** download(address, typedArray). */
void Context::download(Info info) {
  const Bytes to = bytesOf(info[1]);
  CU(cuMemcpyDtoH_v2, to.start, addressArgument(info, 0), to.length);
}

Napi::Value Context::memoryInfo(Info info) {
  size_t free = 0;
  size_t total = 0;
  CU(cuMemGetInfo_v2, &free, &total);
  auto result = Napi::Object::New(info.Env());
  result["free"] = Napi::Number::New(info.Env(), static_cast<double>(free));
  result["total"] = Napi::Number::New(info.Env(), static_cast<double>(total));
  return result;
}
