// Graphs: the operations that a stream was given while it captured.
#include "driver.h"

EXPORT CUresult cuStreamBeginCapture_v2(CUstream stream, int mode) {
  (void)mode;
  ENTER_CONTEXT(cuStreamBeginCapture_v2);
  stream->capture = calloc(1, sizeof *stream->capture);
  stream->capture->last = &stream->capture->first;
  return SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(CUstream stream, Graph **graph) {
  ENTER_CONTEXT(cuStreamEndCapture);
  if (!stream->capture) return CAPTURE_UNMATCHED;
  *graph = stream->capture;
  stream->capture = NULL;
  live[GRAPHS]++;
  return SUCCESS;
}

static Operation *copyOperation(const Operation *operation) {
  return makeOperation(operation->run, operation->argument, operation->bytes, operation->flags);
}

EXPORT CUresult cuGraphInstantiateWithFlags(Graph **instance, const Graph *graph, unsigned long long flags) {
  (void)flags;
  ENTER_CONTEXT(cuGraphInstantiateWithFlags);
  Graph *made = calloc(1, sizeof *made);
  made->last = &made->first;
  for (const Operation *o = graph->first; o; o = o->next) {
    *made->last = copyOperation(o);
    made->last = &(*made->last)->next;
  }
  *instance = made;
  live[GRAPHS]++;
  return SUCCESS;
}

EXPORT CUresult cuGraphLaunch(const Graph *graph, CUstream stream) {
  ENTER_CONTEXT(cuGraphLaunch);
  for (const Operation *o = graph->first; o; o = o->next) push(streamOf(stream), copyOperation(o));
  return SUCCESS;
}

EXPORT CUresult cuGraphDestroy(Graph *graph) {
  for (Operation *o = graph->first, *next; o; o = next) {
    next = o->next;
    free(o);
  }
  free(graph);
  live[GRAPHS]--;
  return SUCCESS;
}

EXPORT CUresult cuGraphExecDestroy(Graph *graph) { return cuGraphDestroy(graph); }
