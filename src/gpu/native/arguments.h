// Between JavaScript and the addon: arguments come in as numbers, exceptions go out as typed errors.
#pragma once

#include <napi.h>

#include "check.h"

/** The JavaScript error for a failed call, made by the factory that `setErrorFactory` was given. */
Napi::Error toJavaScript(Napi::Env env, const CallError &error);
Napi::Error toJavaScript(Napi::Env env, const UsageError &error);

/** Runs `body`, turning our exceptions into JavaScript's. */
template <typename Body>
auto guarded(Napi::Env env, Body &&body) {
  try {
    return body();
  } catch (const CallError &error) {
    throw toJavaScript(env, error);
  } catch (const UsageError &error) {
    throw toJavaScript(env, error);
  }
}

// A value that is no number throws N-API's TypeError. Addresses are exact: they lie below 2^53.
inline int intArgument(const Napi::CallbackInfo &info, int index) {
  return info[index].As<Napi::Number>().Int32Value();
}
inline int64_t longArgument(const Napi::CallbackInfo &info, int index) {
  return info[index].As<Napi::Number>().Int64Value();
}
inline uint64_t addressArgument(const Napi::CallbackInfo &info, int index) {
  return static_cast<uint64_t>(longArgument(info, index));
}

/** Throws INVALID unless low <= value <= high. Here only what guards memory is checked; TypeScript checks the
 * rest. */
void checkBounds(const char *name, int value, int low, int high);
inline int boundedArgument(const Napi::CallbackInfo &info, int index, const char *name, int low, int high) {
  const int value = intArgument(info, index);
  checkBounds(name, value, low, high);
  return value;
}
