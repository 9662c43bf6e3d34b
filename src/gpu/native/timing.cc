// Time: the host's monotonic clock, device times of launches, the mapping between the two, and native spin
// loops.
#include <time.h>

#include <algorithm>
#include <limits>
#include <string>

#include "context.h"

namespace {

/** Tells the processor that it spins, so that its sibling thread gets on. */
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How far event times may lie from the event that they are measured from: CUDA gives the distance as a float
// of milliseconds, which at 100 ms still resolves 8 ns.
constexpr double eventSpanNs = 100e6;

// A launch that a spin loop waits for longer than this is taken for lost.
constexpr double spinLimitNs = 10e9;

}  // namespace

double nowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/** Launches the kernel that writes the device's time to `timings[slot]` and, for a ticket, the lane's flag.
 */
void Context::stamp(Lane &lane, size_t slot, int32_t ticket) {
  CUdeviceptr at = timings->address() + sizeof(double) * slot;
  CUdeviceptr flag = lane.flagAddress;
  uint64_t base = timerBase;
  void *arguments[] = {&at, &base, &flag, &ticket};
  CU(cuLaunchKernel, kernels().stamp, 1, 1, 1, 1, 1, 1, 0, lane.stream.get(), arguments, nullptr);
}

/** Opens a launch: its start time, where times are taken. Ticket 0 marks a part of a launch and does nothing.
 */
void Context::begin(Lane &lane, int32_t ticket) {
  if (ticket == 0) return;
  if (lane.captures()) throw UsageError("INVALID", "invalid ticket: a graph takes submits with ticket 0 only");
  if (timing == Timing::None) return;
  const size_t slot = static_cast<uint32_t>(ticket) % ringSlots;
  if (timing == Timing::Events) {
    CU(cuEventRecord, lane.starts[slot].get(), lane.stream.get());
  } else {
    stamp(lane, 2 * (static_cast<size_t>(lane.index) * ringSlots + slot), 0);
  }
}

/** Closes a launch: its end time, then the write of its ticket to the lane's flag. */
void Context::finish(Lane &lane, int32_t ticket) {
  if (ticket == 0) return;
  if (timing == Timing::GlobalTimer) {
    const size_t slot = static_cast<uint32_t>(ticket) % ringSlots;
    stamp(lane, 2 * (static_cast<size_t>(lane.index) * ringSlots + slot) + 1, ticket);
  } else {
    if (timing == Timing::Events)
      CU(cuEventRecord, lane.ends[static_cast<uint32_t>(ticket) % ringSlots].get(), lane.stream.get());
    lane.writeFlag(ticket);
  }
  lane.seal(ticket);
}

/** begin(lane, ticket) and finish(lane, ticket) enclose submits with ticket 0, which then form one launch. */
void Context::begin(Info info) { begin(lane(info), intArgument(info, 1)); }
void Context::finish(Info info) { finish(lane(info), intArgument(info, 1)); }

/** readTiming(lane, ticket): fills the launch's entries of `timings` from its events; they must have
 * completed. */
void Context::readTiming(Info info) {
  Lane &on = lane(info);
  if (timing != Timing::Events) return;
  const size_t slot = static_cast<uint32_t>(intArgument(info, 1)) % ringSlots;
  // The flag may be seen a moment before the driver counts the event as complete.
  CU(cuEventSynchronize, on.ends[slot].get());
  float sinceBase = 0;
  float duration = 0;
  CU(cuEventElapsedTime, &sinceBase, baseEvent.get(), on.starts[slot].get());
  CU(cuEventElapsedTime, &duration, on.starts[slot].get(), on.ends[slot].get());
  double *entry = timings->host<double>() + 2 * (static_cast<size_t>(on.index) * ringSlots + slot);
  entry[0] = baseNs + sinceBase * 1e6;
  entry[1] = entry[0] + duration * 1e6;
  if (entry[1] - baseNs < eventSpanNs) return;
  // Move the base on to this launch's end.
  baseNs = entry[1];
  baseEvent = std::exchange(on.ends[slot], makeEvent());
}

/** Waits for the flag of a ticket that has been signalled, and finds out why if it does not come. */
void Context::spin(Lane &lane, int32_t ticket) {
  const double limit = nowNs() + spinLimitNs;
  for (int i = 1; *lane.flag != ticket; i++) {
    relax();
    if (i % 1024 != 0 || nowNs() < limit) continue;
    CU(cuStreamQuery, lane.stream.get());
    throw UsageError("TIMEOUT",
                     "the flag of lane " + std::to_string(lane.index) + " was not written within 10 s");
  }
}

/**
 * calibrateClock(lane): what the device's clock shows at a moment of the host's, and how uncertain that
 * moment is: half the shortest of 64 round trips. With events, their times count from that moment on.
 */
Napi::Value Context::calibrateClock(Info info) {
  Lane &on = lane(info);
  if (timing == Timing::None) throw UsageError("INVALID", "the context was made without device times");
  CU(cuStreamSynchronize, on.stream.get());
  const int32_t restored = *on.flag;
  double shortest = std::numeric_limits<double>::infinity();
  double hostNs = 0;
  double deviceNs = 0;
  for (int i = 0; i < 64; i++) {
    const int32_t ticket = i + 1;
    Event event = timing == Timing::Events ? makeEvent() : Event();
    *on.flag = 0;
    const double sent = nowNs();
    if (event) {
      CU(cuEventRecord, event.get(), on.stream.get());
      on.writeFlag(ticket);
    } else {
      stamp(on, scratchTiming(), ticket);
    }
    spin(on, ticket);
    const double seen = nowNs();
    if (seen - sent >= shortest) continue;
    shortest = seen - sent;
    hostNs = (sent + seen) / 2;
    if (event) {
      baseEvent = std::move(event);
    } else {
      deviceNs = timings->host<double>()[scratchTiming()];
    }
  }
  CU(cuStreamSynchronize, on.stream.get());
  *on.flag = restored;
  baseNs = 0;
  auto result = Napi::Object::New(info.Env());
  result["hostNs"] = Napi::Number::New(info.Env(), hostNs);
  result["deviceNs"] = Napi::Number::New(info.Env(), deviceNs);
  result["uncertaintyNs"] = Napi::Number::New(info.Env(), shortest / 2);
  return result;
}

/** waitFlags(seen, until): spins until a lane's flag differs from `seen`; that lane, or -1 at the deadline.
 */
Napi::Value Context::waitFlags(Info info) {
  const auto seen = info[0].As<Napi::Int32Array>();
  const double until = info[1].As<Napi::Number>().DoubleValue();
  checkBounds("length of the flags seen", static_cast<int>(seen.ElementLength()),
              static_cast<int>(lanes.size()), std::numeric_limits<int>::max());
  const int32_t *expected = seen.Data();
  const volatile int32_t *flag = flags->host<int32_t>();
  const int count = static_cast<int>(lanes.size());
  int changed = -1;
  do {
    for (int round = 0; round < 16 && changed < 0; round++) {
      for (int i = 0; i < count; i++) {
        if (flag[i] != expected[i]) {
          changed = i;
          break;
        }
      }
      relax();
    }
  } while (changed < 0 && nowNs() < until);
  return Napi::Number::New(info.Env(), changed);
}

/**
 * benchLoop(lane, iterations, dtype, m, n, k, a, b, c): nanoseconds from the call of each submission to its
 * completion being seen, by a loop that never leaves C++. What JavaScript's own loop is measured against.
 */
Napi::Value Context::benchLoop(Info info) {
  Lane &on = lane(info);
  const int iterations = boundedArgument(info, 1, "iterations", 1, 1 << 24);
  const GemmShape shape = {intArgument(info, 2), intArgument(info, 3), intArgument(info, 4),
                           intArgument(info, 5)};
  const uint64_t a = addressArgument(info, 6), b = addressArgument(info, 7), c = addressArgument(info, 8);
  auto result = Napi::Float64Array::New(info.Env(), iterations);
  CU(cuStreamSynchronize, on.stream.get());
  const int32_t restored = *on.flag;
  for (int i = 0; i < iterations; i++) {
    const int32_t ticket = i + 1;
    *on.flag = 0;
    const double sent = nowNs();
    begin(on, ticket);
    gemm(on, shape, a, b, c);
    finish(on, ticket);
    spin(on, ticket);
    result[i] = nowNs() - sent;
  }
  CU(cuStreamSynchronize, on.stream.get());
  *on.flag = restored;
  return result;
}
