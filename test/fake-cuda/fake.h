// Shared by the stand-ins for CUDA's libraries: an in-order queue a stream, counted resources, injected
// faults.
//
// Controlled by the environment, read at each call, so that a test can change it as it goes:
// - FAKE_CUDA_FAIL: function=status[@n], ...: the n-th call from now on (default: every call) returns the
// status; @run+n: the n-th of a live run, whatever was called before it
// - FAKE_CUDA_LOSE: n: the n-th kernel run from now on breaks the device, as an illegal address does
// - FAKE_CUDA_KERNEL_US: microseconds that each kernel takes at least
// - FAKE_CUDA_MACS: products of more multiply-adds than this are not computed: they only run (default: all are)
// - FAKE_CUDA_MEMORY: bytes of device memory (default 1 GiB)
// - FAKE_CUDA_DEVICES: number of devices (default 1)
// - FAKE_CUDA_COMPUTE: their compute capability (default 90)
// - FAKE_CUDA_VERSION: the driver's, as cuDriverGetVersion has it (default 12080)
// - FAKE_CUDA_REPORT: a file that is given the counts of live resources whenever a context ends
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef struct CUstream_st *CUstream;
typedef unsigned long long CUdeviceptr;

enum { KERNEL = 1 };                                                            // flags of fakeEnqueue
enum { MEMORY, PINNED, STREAMS, EVENTS, MODULES, GRAPHS, HANDLES, RESOURCES };  // kinds of fakeCount

/** Appends to the stream a call of `run` with a copy of `bytes` at `argument`; a capturing stream records it.
 */
EXPORT void fakeEnqueue(CUstream stream, void (*run)(void *), const void *argument, size_t bytes, int flags);
/** The status that the environment asks `function` to return now, or 0. */
EXPORT int fakeFault(const char *function);
/** The error that broke the device, or 0. */
EXPORT int fakeLost(void);
/** Called by a kernel that touches what it must not. */
EXPORT void fakeLose(int error);
EXPORT void fakeCount(int kind, long change);
/** True where [address, address + bytes) lies in one allocation, of the device or of page-locked memory. */
EXPORT int fakeOwns(uint64_t address, uint64_t bytes);
