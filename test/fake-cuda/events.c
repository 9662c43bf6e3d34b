// Events, on a device clock that runs beside the host's.
#include "driver.h"

typedef struct CUevent_st {
  _Atomic double at;
  CUstream recordedOn;
} *CUevent;

int64_t hostNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

EXPORT CUresult cuEventCreate(CUevent *event, unsigned flags) {
  (void)flags;
  ENTER_CONTEXT(cuEventCreate);
  *event = calloc(1, sizeof **event);
  live[EVENTS]++;
  return SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  if (event->recordedOn) drain(event->recordedOn);
  free(event);
  live[EVENTS]--;
  return SUCCESS;
}

static void runRecord(void *argument) { (*(CUevent *)argument)->at = hostNs(); }

EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
  ENTER_CONTEXT(cuEventRecord);
  event->at = 0;
  event->recordedOn = streamOf(stream);
  fakeEnqueue(stream, runRecord, &event, sizeof event, 0);
  return SUCCESS;
}

EXPORT CUresult cuEventSynchronize(CUevent event) {
  ENTER_CONTEXT(cuEventSynchronize);
  if (event->recordedOn) drain(event->recordedOn);
  return lost;
}

EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  ENTER_CONTEXT(cuEventElapsedTime);
  if (start->at == 0 || end->at == 0) return NOT_READY;
  *milliseconds = (float)((end->at - start->at) / 1e6);
  return SUCCESS;
}
