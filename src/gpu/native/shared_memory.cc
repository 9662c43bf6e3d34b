// Memory that processes share, without a name: it goes with the last descriptor and mapping, however they end.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "context.h"

namespace {

[[noreturn]] void throwSystemError(const char *call) {
  const int status = errno;
  throw CallError(call, "errno " + std::to_string(status), status, std::strerror(status));
}

}  // namespace

/** createShared(): a descriptor of memory of no bytes yet, which child processes inherit where they are told to. */
Napi::Value createShared(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const int descriptor = memfd_create("superkernel", MFD_CLOEXEC);
    if (descriptor < 0) throwSystemError("memfd_create");
    return Napi::Number::New(info.Env(), descriptor);
  });
}

/** closeShared(descriptor): what is mapped stays. */
void closeShared(const Napi::CallbackInfo &info) {
  guarded(info.Env(), [&] {
    if (close(intArgument(info, 0)) != 0) throwSystemError("close");
  });
}

/** mapShared(descriptor, offset, bytes): an ArrayBuffer, unmapped when it is collected. */
Napi::Value mapShared(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto bytes = static_cast<size_t>(longArgument(info, 2));
    void *memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, intArgument(info, 0), longArgument(info, 1));
    if (memory == MAP_FAILED) throwSystemError("mmap");
    return Napi::ArrayBuffer::New(info.Env(), memory, bytes,
                                  [bytes](Napi::Env, void *mapped) { munmap(mapped, bytes); });
  });
}
