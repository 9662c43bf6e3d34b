// Streams: in-order queues, each worked off by a thread.
#include "driver.h"

// Every stream that CUDA's user has made. Threads share the device: one may end its streams while another waits for all.
static CUstream streams[4096];
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *argument) {
  CUstream stream = argument;
  pthread_mutex_lock(&stream->lock);
  for (;;) {
    while (!stream->first && !stream->ending) pthread_cond_wait(&stream->changed, &stream->lock);
    Operation *operation = stream->first;
    if (!operation) break;
    stream->first = operation->next;
    if (!stream->first) stream->last = &stream->first;
    stream->running = 1;
    pthread_mutex_unlock(&stream->lock);
    if (!lost) {
      if (operation->microseconds > 0) {
        const struct timespec duration = {operation->microseconds / 1000000,
                                          operation->microseconds % 1000000 * 1000};
        nanosleep(&duration, NULL);
      }
      if (operation->flags & KERNEL) fakeKernelBegins();
      // A broken device runs nothing more: flags stay as they were.
      if (!lost) operation->run(operation->argument);
    }
    free(operation);
    pthread_mutex_lock(&stream->lock);
    stream->running = 0;
    pthread_cond_broadcast(&stream->changed);
  }
  pthread_mutex_unlock(&stream->lock);
  return NULL;
}

static CUstream makeStream(void) {
  CUstream stream = calloc(1, sizeof *stream);
  pthread_mutex_init(&stream->lock, NULL);
  pthread_cond_init(&stream->changed, NULL);
  stream->last = &stream->first;
  pthread_create(&stream->thread, NULL, work, stream);
  return stream;
}

CUstream streamOf(CUstream stream) {
  static CUstream standard;
  if (stream) return stream;
  pthread_mutex_lock(&table);
  if (!standard) standard = makeStream();
  pthread_mutex_unlock(&table);
  return standard;
}

Operation *makeOperation(void (*run)(void *), const void *argument, size_t bytes, int flags) {
  Operation *operation = malloc(sizeof *operation + bytes);
  *operation = (Operation){.run = run, .flags = flags, .bytes = bytes};
  if (flags & KERNEL) {
    operation->microseconds = fakeNumber("FAKE_CUDA_KERNEL_US", 0);
    fakeKernelEnqueued();
  }
  memcpy(operation->argument, argument, bytes);
  return operation;
}

void push(CUstream stream, Operation *operation) {
  pthread_mutex_lock(&stream->lock);
  *stream->last = operation;
  stream->last = &operation->next;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
}

void fakeEnqueue(CUstream stream, void (*run)(void *), const void *argument, size_t bytes, int flags) {
  stream = streamOf(stream);
  Operation *operation = makeOperation(run, argument, bytes, flags);
  if (stream->capture) {
    *stream->capture->last = operation;
    stream->capture->last = &operation->next;
  } else {
    push(stream, operation);
  }
}

void drain(CUstream stream) {
  pthread_mutex_lock(&stream->lock);
  while (stream->first || stream->running) pthread_cond_wait(&stream->changed, &stream->lock);
  pthread_mutex_unlock(&stream->lock);
}

EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
  (void)flags, (void)priority;
  ENTER_CONTEXT(cuStreamCreateWithPriority);
  *stream = makeStream();
  size_t i = 0;
  pthread_mutex_lock(&table);
  while (streams[i]) i++;
  streams[i] = *stream;
  live[STREAMS]++;
  pthread_mutex_unlock(&table);
  return SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  pthread_mutex_lock(&table);
  for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
    if (streams[i] == stream) streams[i] = NULL;
  }
  live[STREAMS]--;
  pthread_mutex_unlock(&table);
  drain(stream);
  pthread_mutex_lock(&stream->lock);
  stream->ending = 1;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&stream->lock);
  pthread_join(stream->thread, NULL);
  free(stream);
  return SUCCESS;
}

EXPORT CUresult cuStreamQuery(CUstream stream) {
  ENTER_CONTEXT(cuStreamQuery);
  stream = streamOf(stream);
  pthread_mutex_lock(&stream->lock);
  const int busy = stream->first || stream->running;
  pthread_mutex_unlock(&stream->lock);
  return busy ? NOT_READY : SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  ENTER_CONTEXT(cuStreamSynchronize);
  stream = streamOf(stream);
  if (stream->capture) return CAPTURE_UNSUPPORTED;
  fakeWaited(stream);
  drain(stream);
  return lost;
}
