// Injected faults and counted resources.
#define _GNU_SOURCE
#include "driver.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
atomic_int lost;
atomic_long live[RESOURCES];
static _Atomic long loseAt = -1;  // kernels left until the device breaks
static const char *const resourceNames[RESOURCES] = {"memory",  "pinned", "streams", "events",
                                                     "modules", "graphs", "handles"};

int fakeLost(void) { return lost; }
void fakeLose(int error) { lost = error; }
void fakeCount(int kind, long change) { live[kind] += change; }

long fakeNumber(const char *name, long otherwise) {
  const char *value = getenv(name);
  return value && *value ? atol(value) : otherwise;
}

static struct {
  char name[64];
  int status;
  int ofRun;  // whether calls count from when a live run began
  long at, calls;
} faults[16];
static int faultCount;
static int isRun;
/** The first stream that was waited for, while nothing else has been called since; only compared. */
static const void *firstWaited;

void fakeWaited(const void *stream) {
  pthread_mutex_lock(&lock);
  if (!firstWaited) {
    firstWaited = stream;
    isRun = 0;
  } else if (firstWaited == stream) {
    isRun = 1;
  }
  for (int i = 0; i < faultCount; i++)
    if (faults[i].ofRun) faults[i].calls = 0;
  pthread_mutex_unlock(&lock);
}

int fakeFault(const char *function) {
  static char rules[1024];
  const char *value = getenv("FAKE_CUDA_FAIL");
  pthread_mutex_lock(&lock);
  if (strcmp(function, "cuStreamSynchronize") != 0) firstWaited = NULL;
  if (strcmp(value ? value : "", rules) != 0) {
    snprintf(rules, sizeof rules, "%s", value ? value : "");
    char copy[1024], *rest = copy;
    memcpy(copy, rules, sizeof copy);
    faultCount = 0;
    for (char *rule; faultCount < 16 && (rule = strsep(&rest, ",")) != NULL;) {
      faults[faultCount].at = faults[faultCount].calls = 0;
      faults[faultCount].ofRun = strstr(rule, "@run+") != NULL;
      const char *const form = faults[faultCount].ofRun ? "%63[^=]=%d@run+%ld" : "%63[^=]=%d@%ld";
      if (sscanf(rule, form, faults[faultCount].name, &faults[faultCount].status, &faults[faultCount].at) >= 2)
        faultCount++;
    }
  }
  int status = 0;
  for (int i = 0; i < faultCount; i++) {
    if (strcmp(faults[i].name, function) != 0 || (faults[i].ofRun && !isRun)) continue;
    faults[i].calls++;
    if (faults[i].at == 0 || faults[i].at == faults[i].calls) status = faults[i].status;
  }
  pthread_mutex_unlock(&lock);
  return status;
}

static void report(void) {
  const char *path = getenv("FAKE_CUDA_REPORT");
  FILE *file = path && *path ? fopen(path, "w") : NULL;
  if (!file) return;
  for (int i = 0; i < RESOURCES; i++)
    fprintf(file, "%c\"%s\": %ld", i ? ',' : '{', resourceNames[i], live[i]);
  fprintf(file, "}\n");
  fclose(file);
}

void fakeContextEnds(void) {
  report();
  lost = 0;
}

void fakeKernelEnqueued(void) {
  const char *value = getenv("FAKE_CUDA_LOSE");
  static char seen[32];
  if (strcmp(value ? value : "", seen) == 0) return;
  snprintf(seen, sizeof seen, "%s", value ? value : "");
  loseAt = fakeNumber("FAKE_CUDA_LOSE", -1);
}

void fakeKernelBegins(void) {
  if (loseAt > 0 && --loseAt == 0) lost = ILLEGAL_ADDRESS;
}
