// Device and page-locked memory, both from the host's.
#define _GNU_SOURCE
#include <search.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

size_t fakeMemory(void) { return (size_t)fakeNumber("FAKE_CUDA_MEMORY", 1L << 30); }

typedef struct {
  char *start;
  size_t bytes;
  int kind;
} Allocation;
/** A tree of them by where they lie: a run has tens of thousands, and every operand of every kernel is looked for. */
static void *allocations;

/** Where an address lies beside an allocation: `key` is an allocation, of which the start counts. */
static int compare(const void *key, const void *other) {
  const Allocation *a = key, *b = other;
  return a->start < b->start ? -1 : a->start >= b->start + b->bytes ? 1 : 0;
}

/** What nobody wrote must not look like zeros. */
static const int unwritten = 0xA5;
/** Allocations from this size on are pages of one file until they are written: most of a workspace never is. */
static const size_t chunk = 16 << 20;

static int isMapped(size_t bytes) { return bytes >= chunk; }

/** The file descriptor of a chunk that nobody wrote, or -1. */
static int unwrittenChunk(void) {
  static int file = -1;
  if (file >= 0) return file;
  file = memfd_create("unwritten", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, (off_t)chunk) != 0) return -1;
  void *all = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (all == MAP_FAILED) return -1;
  memset(all, unwritten, chunk);
  munmap(all, chunk);
  return file;
}

/** Memory that nobody wrote, or NULL. */
static char *obtain(size_t bytes) {
  if (!isMapped(bytes)) {
    char *start = aligned_alloc(256, (bytes + 255) / 256 * 256);
    return start ? memset(start, unwritten, bytes) : NULL;
  }
  pthread_mutex_lock(&lock);
  const int file = unwrittenChunk();
  pthread_mutex_unlock(&lock);
  if (file < 0) return NULL;
  char *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return NULL;
  for (size_t at = 0; at < bytes; at += chunk) {
    const size_t some = bytes - at < chunk ? bytes - at : chunk;
    const int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
    if (mmap(start + at, some, PROT_READ | PROT_WRITE, flags, file, 0) == MAP_FAILED) {
      munmap(start, bytes);
      return NULL;
    }
  }
  return start;
}

static CUresult allocate(void **start, size_t bytes, int kind) {
  if (bytes == 0) return INVALID_VALUE;
  if (kind == MEMORY && live[MEMORY] + bytes > fakeMemory()) return OUT_OF_MEMORY;
  char *memory = obtain(bytes);
  if (!memory) return OUT_OF_MEMORY;
  Allocation *made = malloc(sizeof *made);
  *made = (Allocation){.start = memory, .bytes = bytes, .kind = kind};
  pthread_mutex_lock(&lock);
  tsearch(made, &allocations, compare);
  pthread_mutex_unlock(&lock);
  live[kind] += (long)bytes;
  *start = made->start;
  return SUCCESS;
}

static CUresult release(void *start, int kind) {
  const Allocation key = {.start = start};
  pthread_mutex_lock(&lock);
  Allocation **at = tfind(&key, &allocations, compare);
  Allocation *found = at && (*at)->start == start && (*at)->kind == kind ? *at : NULL;
  if (found) tdelete(found, &allocations, compare);
  pthread_mutex_unlock(&lock);
  if (!found) return INVALID_VALUE;
  live[kind] -= (long)found->bytes;
  if (isMapped(found->bytes)) munmap(found->start, found->bytes);
  else free(found->start);
  free(found);
  return SUCCESS;
}

int fakeOwns(uint64_t address, uint64_t bytes) {
  const Allocation key = {.start = (char *)address};
  pthread_mutex_lock(&lock);
  Allocation **at = tfind(&key, &allocations, compare);
  const int owned = at && address + bytes <= (uint64_t)(*at)->start + (*at)->bytes;
  pthread_mutex_unlock(&lock);
  return owned;
}

EXPORT CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
  ENTER_CONTEXT(cuMemGetInfo_v2);
  *total = fakeMemory();
  *available = *total - live[MEMORY];
  return SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  ENTER_CONTEXT(cuMemAlloc_v2);
  return allocate((void **)address, bytes, MEMORY);
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) { return release((void *)address, MEMORY); }

EXPORT CUresult cuMemHostAlloc(void **host, size_t bytes, unsigned flags) {
  (void)flags;
  ENTER_CONTEXT(cuMemHostAlloc);
  return allocate(host, bytes, PINNED);
}

EXPORT CUresult cuMemFreeHost(void *host) { return release(host, PINNED); }

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *host, unsigned flags) {
  (void)flags;
  ENTER(cuMemHostGetDevicePointer_v2);
  *address = (CUdeviceptr)host;
  return SUCCESS;
}

typedef struct {
  CUdeviceptr to;
  const void *from;
  size_t bytes;
} Copy;

static void runCopy(void *argument) {
  const Copy *copy = argument;
  if (!fakeOwns(copy->to, copy->bytes)) return fakeLose(ILLEGAL_ADDRESS);
  memcpy((void *)copy->to, copy->from, copy->bytes);
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpyHtoD_v2);
  if (!fakeOwns(to, bytes)) return INVALID_VALUE;
  memcpy((void *)to, from, bytes);
  return SUCCESS;
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpyDtoH_v2);
  if (!fakeOwns(from, bytes)) return INVALID_VALUE;
  memcpy(to, (const void *)from, bytes);
  return SUCCESS;
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  ENTER_CONTEXT(cuMemcpyHtoDAsync_v2);
  const Copy copy = {to, from, bytes};
  fakeEnqueue(stream, runCopy, &copy, sizeof copy, 0);
  return SUCCESS;
}

EXPORT CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t bytes) {
  ENTER_CONTEXT(cuMemsetD8_v2);
  if (!fakeOwns(address, bytes)) return INVALID_VALUE;
  memset((void *)address, value, bytes);
  return SUCCESS;
}

typedef struct {
  CUdeviceptr address;
  uint32_t value;
  size_t count;
} Words;

static void runWords(void *argument) {
  const Words *words = argument;
  if (!fakeOwns(words->address, 4 * words->count)) return fakeLose(ILLEGAL_ADDRESS);
  for (size_t i = 0; i < words->count; i++)
    atomic_store((_Atomic uint32_t *)words->address + i, words->value);
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr address, unsigned value, size_t count, CUstream stream) {
  ENTER_CONTEXT(cuMemsetD32Async);
  const Words words = {address, value, count};
  fakeEnqueue(stream, runWords, &words, sizeof words, 0);
  return SUCCESS;
}

EXPORT CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, uint32_t value,
                                        unsigned flags) {
  (void)flags;
  ENTER_CONTEXT(cuStreamWriteValue32_v2);
  const Words words = {address, value, 1};
  fakeEnqueue(stream, runWords, &words, sizeof words, 0);
  return SUCCESS;
}
