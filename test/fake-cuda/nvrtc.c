// Stand-in for libnvrtc: "compiles" a source to itself.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

typedef struct Program {
  char *source;
} *Program;

EXPORT int nvrtcVersion(int *major, int *minor) {
  *major = 12;
  *minor = 8;
  return 0;
}

EXPORT int nvrtcCreateProgram(Program *program, const char *source, const char *name, int headers,
                              const char *const *sources, const char *const *names) {
  (void)name, (void)headers, (void)sources, (void)names;
  *program = calloc(1, sizeof **program);
  (*program)->source = strdup(source);
  return 0;
}

EXPORT int nvrtcDestroyProgram(Program *program) {
  free((*program)->source);
  free(*program);
  *program = NULL;
  return 0;
}

EXPORT int nvrtcCompileProgram(Program program, int count, const char *const *options) {
  (void)program;
  const int fault = fakeFault("nvrtcCompileProgram");
  if (fault) return fault;
  return count == 1 && strcmp(options[0], "--gpu-architecture=sm_90") == 0 ? 0
                                                                           : 5;  // NVRTC_ERROR_INVALID_OPTION
}

EXPORT int nvrtcGetProgramLogSize(Program program, size_t *bytes) {
  (void)program;
  *bytes = sizeof "the stand-in knows sm_90 alone";
  return 0;
}

EXPORT int nvrtcGetProgramLog(Program program, char *log) {
  (void)program;
  strcpy(log, "the stand-in knows sm_90 alone");
  return 0;
}

EXPORT int nvrtcGetCUBINSize(Program program, size_t *bytes) {
  *bytes = strlen(program->source) + 1;
  return 0;
}

EXPORT int nvrtcGetCUBIN(Program program, char *image) {
  strcpy(image, program->source);
  return 0;
}

EXPORT const char *nvrtcGetErrorString(int result) {
  return result == 5 ? "NVRTC_ERROR_INVALID_OPTION" : "NVRTC_ERROR_COMPILATION";
}
