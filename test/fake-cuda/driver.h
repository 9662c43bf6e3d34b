// Inside the stand-in for libcuda.so.1: device memory is the host's, a stream is a queue with a thread.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

typedef int CUresult;
enum {
  SUCCESS,
  INVALID_VALUE,
  OUT_OF_MEMORY,
  NO_DEVICE = 100,
  INVALID_DEVICE,
  INVALID_CONTEXT = 201,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  CAPTURE_UNSUPPORTED = 900,
  CAPTURE_UNMATCHED = 903
};

typedef struct Operation {
  struct Operation *next;
  void (*run)(void *);
  int flags;
  long microseconds;
  size_t bytes;
  char argument[];
} Operation;

/** A captured graph, or an instance of one. */
typedef struct CUgraph_st {
  Operation *first, **last;
} Graph;

struct CUstream_st {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  Operation *first, **last;
  int running, ending;
  Graph *capture;
};

typedef struct CUctx_st {
  int own;
} *CUcontext;
extern __thread CUcontext current;

extern atomic_int lost;
extern atomic_long live[RESOURCES];

/** The clock of events; the kernels read it shifted by the 54 years since 1970. */
int64_t hostNs(void);
/** Bytes of device memory. */
size_t fakeMemory(void);
/** A number from the environment. */
long fakeNumber(const char *name, long otherwise);
/** Breaks the device where FAKE_CUDA_LOSE says that this kernel does; called as each kernel begins. */
void fakeKernelBegins(void);
/** Reads FAKE_CUDA_LOSE, on the thread that may read the environment. */
void fakeKernelEnqueued(void);
/** Notes that a stream is waited for. A live run begins where the same is, twice, with no other call between. */
void fakeWaited(const void *stream);
/** Ends a context: a broken device works again in the next. */
void fakeContextEnds(void);

/** The stream, or the default stream for NULL. */
CUstream streamOf(CUstream stream);
Operation *makeOperation(void (*run)(void *), const void *argument, size_t bytes, int flags);
void push(CUstream stream, Operation *operation);
/** Waits until the stream is empty. */
void drain(CUstream stream);

#define ENTER(function)                      \
  do {                                       \
    const int fault_ = fakeFault(#function); \
    if (fault_) return fault_;               \
    if (lost) return lost;                   \
  } while (0)
#define ENTER_CONTEXT(function)           \
  do {                                    \
    ENTER(function);                      \
    if (!current) return INVALID_CONTEXT; \
  } while (0)
