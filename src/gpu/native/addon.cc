// The addon's entry: opening libraries, probing, the clock, shared memory, and the Context class. It makes CUDA
// calls and decides nothing: which library, which lane, which method is TypeScript's business.
#include <napi.h>

#include <string>

#include "context.h"

namespace {

/** What belongs to one JavaScript environment: the main thread, or a worker. */
struct EnvironmentData {
  Napi::FunctionReference makeError;
};

Napi::Error makeError(Napi::Env env, const std::string &message, const std::string &call,
                      const std::string &code, int status) {
  auto *data = env.GetInstanceData<EnvironmentData>();
  if (!data || data->makeError.IsEmpty()) return Napi::Error::New(env, message);
  const Napi::Value made =
      data->makeError.Call({Napi::String::New(env, message), Napi::String::New(env, call),
                            Napi::String::New(env, code), Napi::Number::New(env, status)});
  return Napi::Error(env, made);
}

/** setErrorFactory(factory): `factory(message, call, code, status)` makes every error that the addon throws.
 */
void setErrorFactory(const Napi::CallbackInfo &info) {
  info.Env().GetInstanceData<EnvironmentData>()->makeError = Napi::Persistent(info[0].As<Napi::Function>());
}

std::string versionOf(LibraryKind kind) {
  int major = 0, minor = 0, patch = 0;
  switch (kind) {
    case LibraryKind::Driver:
      CU(cuDriverGetVersion, &major);
      return std::to_string(major / 1000) + "." + std::to_string(major % 1000 / 10);
    case LibraryKind::Cublas:
      CUBLAS(cublasGetProperty, MAJOR_VERSION, &major);
      CUBLAS(cublasGetProperty, MINOR_VERSION, &minor);
      CUBLAS(cublasGetProperty, PATCH_LEVEL, &patch);
      return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
    case LibraryKind::Nvrtc:
      cuda::nvrtc.nvrtcVersion(&major, &minor);
      return std::to_string(major) + "." + std::to_string(minor);
    case LibraryKind::Nvml: return "";
  }
  return "";
}

/** open(kind, candidates): opens the first that will; {path, version, reasons}, path empty where none did. */
Napi::Value open(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    const int index = boundedArgument(info, 0, "library kind", 0, 3);
    const auto kind = static_cast<LibraryKind>(index);
    const auto list = info[1].As<Napi::Array>();
    std::vector<std::string> candidates;
    for (uint32_t i = 0; i < list.Length(); i++) candidates.push_back(list.Get(i).As<Napi::String>());
    const LibraryReport &report = openLibrary(kind, candidates);

    auto result = Napi::Object::New(env);
    result["path"] = Napi::String::New(env, report.path);
    result["version"] = Napi::String::New(env, report.path.empty() ? "" : versionOf(kind));
    auto reasons = Napi::Array::New(env, report.reasons.size());
    for (size_t i = 0; i < report.reasons.size(); i++)
      reasons[static_cast<uint32_t>(i)] = Napi::String::New(env, report.reasons[i]);
    result["reasons"] = reasons;
    return result;
  });
}

/** Where `tick` writes; of this environment, which has its thread to itself. */
thread_local double *clockView = nullptr;

/** tick(): puts the time into `clock`. A number that a call returns is an object, and garbage, every time. */
napi_value tick(napi_env, napi_callback_info) {
  *clockView = nowNs();
  return nullptr;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new EnvironmentData());
  exports["setErrorFactory"] = Napi::Function::New<setErrorFactory>(env, "setErrorFactory");
  exports["open"] = Napi::Function::New<open>(env, "open");
  exports["devices"] = Napi::Function::New<probeDevices>(env, "devices");
  exports["nvml"] = Napi::Function::New<readNvml>(env, "nvml");
  exports["createShared"] = Napi::Function::New<createShared>(env, "createShared");
  exports["closeShared"] = Napi::Function::New<closeShared>(env, "closeShared");
  exports["mapShared"] = Napi::Function::New<mapShared>(env, "mapShared");
  auto clock = Napi::Float64Array::New(env, 1);
  clockView = clock.Data();
  exports["clock"] = clock;
  napi_value function = nullptr;
  napi_create_function(env, "tick", NAPI_AUTO_LENGTH, tick, nullptr, &function);
  exports["tick"] = Napi::Value(env, function);
  exports["Context"] = Context::define(env);
  return exports;
}

}  // namespace

Napi::Error toJavaScript(Napi::Env env, const CallError &error) {
  return makeError(env, error.message, error.call, error.code, error.status);
}

Napi::Error toJavaScript(Napi::Env env, const UsageError &error) {
  return makeError(env, error.message, "", error.code, 0);
}

NODE_API_MODULE(gpu, initialise)
