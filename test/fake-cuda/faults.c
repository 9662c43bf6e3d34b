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

int fakeFault(const char *function) {
  static char rules[1024];
  static struct {
    char name[64];
    int status;
    long at, calls;
  } parsed[16];
  static int count;
  const char *value = getenv("FAKE_CUDA_FAIL");
  pthread_mutex_lock(&lock);
  if (strcmp(value ? value : "", rules) != 0) {
    snprintf(rules, sizeof rules, "%s", value ? value : "");
    char copy[1024], *rest = copy;
    memcpy(copy, rules, sizeof copy);
    count = 0;
    for (char *rule; count < 16 && (rule = strsep(&rest, ",")) != NULL;) {
      parsed[count].at = parsed[count].calls = 0;
      if (sscanf(rule, "%63[^=]=%d@%ld", parsed[count].name, &parsed[count].status, &parsed[count].at) >= 2)
        count++;
    }
  }
  int status = 0;
  for (int i = 0; i < count; i++) {
    if (strcmp(parsed[i].name, function) != 0) continue;
    parsed[i].calls++;
    if (parsed[i].at == 0 || parsed[i].at == parsed[i].calls) status = parsed[i].status;
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
