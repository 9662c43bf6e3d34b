// Device and page-locked memory, both from malloc.
#include "driver.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

size_t fakeMemory(void) { return (size_t)fakeNumber("FAKE_CUDA_MEMORY", 1L << 30); }

typedef struct Allocation {
  struct Allocation *next;
  char *start;
  size_t bytes;
  int kind;
} Allocation;
static Allocation *allocations;

static CUresult allocate(void **start, size_t bytes, int kind) {
  if (bytes == 0) return INVALID_VALUE;
  if (kind == MEMORY && live[MEMORY] + bytes > fakeMemory()) return OUT_OF_MEMORY;
  Allocation *made = malloc(sizeof *made);
  *made = (Allocation){.start = aligned_alloc(256, (bytes + 255) / 256 * 256), .bytes = bytes, .kind = kind};
  memset(made->start, 0xA5, bytes);  // what nobody wrote must not look like zeros
  pthread_mutex_lock(&lock);
  made->next = allocations;
  allocations = made;
  pthread_mutex_unlock(&lock);
  live[kind] += (long)bytes;
  *start = made->start;
  return SUCCESS;
}

static CUresult release(void *start, int kind) {
  pthread_mutex_lock(&lock);
  Allocation **at = &allocations;
  while (*at && ((*at)->start != start || (*at)->kind != kind)) at = &(*at)->next;
  Allocation *found = *at;
  if (found) *at = found->next;
  pthread_mutex_unlock(&lock);
  if (!found) return INVALID_VALUE;
  live[kind] -= (long)found->bytes;
  free(found->start);
  free(found);
  return SUCCESS;
}

int fakeOwns(uint64_t address, uint64_t bytes) {
  int owned = 0;
  pthread_mutex_lock(&lock);
  for (const Allocation *a = allocations; a && !owned; a = a->next) {
    const uint64_t start = (uint64_t)a->start;
    owned = address >= start && address + bytes <= start + a->bytes;
  }
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
