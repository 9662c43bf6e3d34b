// Modules and kernels: the "machine code" is the source, and kernels are known by name.
#include "driver.h"

typedef struct {
  unsigned x, y;
} Grid;

typedef struct CUfunc_st {
  const char *name;
  void (*run)(void *);
  size_t bytes;
  void (*pack)(void *, void **, Grid);
} *CUfunction;
typedef struct CUmod_st {
  char *source;
} *CUmodule;

typedef struct {
  char *out;
  uint64_t count;
  uint32_t seed;
  int dtype;
} Fill;

static void packFill(void *packed, void **arguments, Grid grid) {
  (void)grid;
  *(Fill *)packed = (Fill){*(char **)arguments[0], *(uint64_t *)arguments[1], *(uint32_t *)arguments[2],
                           *(int *)arguments[3]};
}

static void runFill(void *argument) {
  const Fill *f = argument;
  const int bits = f->dtype < 2 ? 24 : f->dtype == 2 ? 11 : 8, width = f->dtype < 2 ? 4 : 2;
  if (!fakeOwns((uint64_t)f->out, f->count * width)) return fakeLose(ILLEGAL_ADDRESS);
  for (uint64_t i = 0; i < f->count; i++) {
    uint64_t z = (i + 1) * 0x9E3779B97F4A7C15u + ((uint64_t)f->seed << 32);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    const float value = (float)(2 * (long)(z >> (64 - bits)) + 1 - (1L << bits)) / (float)(1L << bits);
    uint32_t word;
    memcpy(&word, &value, 4);
    if (f->dtype == 2) {
      const _Float16 half = (_Float16)value;
      memcpy(f->out + 2 * i, &half, 2);
    } else if (f->dtype == 3) {
      memcpy(f->out + 2 * i, (char *)&word + 2, 2);
    } else {
      memcpy(f->out + 4 * i, &word, 4);
    }
  }
}

typedef struct {
  uint64_t from[64], to[64], vectors;
  unsigned rows;
} Relu;

static void packRelu(void *packed, void **arguments, Grid grid) {
  Relu *relu = packed;
  memcpy(relu, arguments[0], sizeof relu->from + sizeof relu->to);
  relu->vectors = *(uint64_t *)arguments[1];
  relu->rows = grid.y;
}

static void relu(uint64_t source, uint64_t target, uint64_t vectors) {
  if (!fakeOwns(source, 16 * vectors) || !fakeOwns(target, 16 * vectors)) return fakeLose(ILLEGAL_ADDRESS);
  const float *from = (const float *)source;
  float *to = (float *)target;
  for (uint64_t i = 0; i < 4 * vectors; i++) to[i] = from[i] > 0 ? from[i] : 0;
}

static void runRelu(void *argument) {
  const Relu *r = argument;
  for (unsigned row = 0; row < r->rows; row++) relu(r->from[row], r->to[row], r->vectors);
}

typedef struct {
  const uint64_t *pointers;
  uint64_t vectors;
  unsigned rows;
} ReluAt;

static void packReluAt(void *packed, void **arguments, Grid grid) {
  const unsigned rows = *(int *)arguments[1] == (int)grid.y ? grid.y : 0;
  *(ReluAt *)packed = (ReluAt){*(const uint64_t **)arguments[0], *(uint64_t *)arguments[2], rows};
}

static void runReluAt(void *argument) {
  const ReluAt *r = argument;
  if (r->rows == 0 || !fakeOwns((uint64_t)r->pointers, 16 * r->rows)) return fakeLose(ILLEGAL_ADDRESS);
  for (unsigned row = 0; row < r->rows; row++) relu(r->pointers[row], r->pointers[r->rows + row], r->vectors);
}

typedef struct {
  const uint64_t *const *entries;
  uint64_t *turn;
  int slots;
  uint64_t *to;
  int count;
} Fetch;

static void packFetch(void *packed, void **arguments, Grid grid) {
  *(Fetch *)packed = (Fetch){*(const uint64_t *const **)arguments[0], *(uint64_t **)arguments[1], *(int *)arguments[2],
                             *(uint64_t **)arguments[3], grid.x == 1 ? *(int *)arguments[4] : 0};
}

static void runFetch(void *argument) {
  const Fetch *f = argument;
  if (f->count <= 0 || !fakeOwns((uint64_t)f->turn, 8) || !fakeOwns((uint64_t)f->to, 8 * f->count))
    return fakeLose(ILLEGAL_ADDRESS);
  const uint64_t *from = f->entries[(*f->turn)++ % f->slots];
  for (int i = 0; i < f->count; i++) f->to[i] = from[i];
}

typedef struct {
  uint64_t count, offset, bytes[3];
} Stride;

typedef struct {
  const uint64_t *firsts;
  uint64_t *expanded;
  const Stride *strides;
  Stride one;
  int size;
  unsigned members;
} Expand;

static void packExpand(void *packed, void **arguments, Grid grid) {
  *(Expand *)packed = (Expand){*(const uint64_t **)arguments[0], *(uint64_t **)arguments[1],
                               *(const Stride **)arguments[2],   *(Stride *)arguments[3],
                               *(int *)arguments[4],             grid.x};
}

static void runExpand(void *argument) {
  const Expand *e = argument;
  for (unsigned row = 0; row < e->members; row++) {
    const unsigned batch = row / e->size, member = row % e->size;
    if (e->strides && !fakeOwns((uint64_t)(e->strides + batch), sizeof(Stride))) return fakeLose(ILLEGAL_ADDRESS);
    const Stride *stride = e->strides ? e->strides + batch : &e->one;
    for (int which = 0; which < 3; which++) {
      const uint64_t *first = e->firsts + (3 * batch + which) * e->size + member;
      uint64_t *to = e->expanded + stride->offset + (which * e->size + member) * stride->count;
      if (!fakeOwns((uint64_t)first, 8) || !fakeOwns((uint64_t)to, 8 * stride->count)) return fakeLose(ILLEGAL_ADDRESS);
      for (uint64_t i = 0; i < stride->count; i++) to[i] = *first + i * stride->bytes[which];
    }
  }
}

typedef struct {
  double *at;
  uint64_t base;
  _Atomic int *flag;
  int ticket;
} Stamp;

static void packStamp(void *packed, void **arguments, Grid grid) {
  (void)grid;
  *(Stamp *)packed = (Stamp){*(double **)arguments[0], *(uint64_t *)arguments[1],
                             *(_Atomic int **)arguments[2], *(int *)arguments[3]};
}

static void runStamp(void *argument) {
  const Stamp *stamp = argument;
  *stamp->at = (double)(hostNs() + 1700000000000000000 - (int64_t)stamp->base);
  if (stamp->ticket) *stamp->flag = stamp->ticket;
}

static struct CUfunc_st kernels[] = {
    {"fill", runFill, sizeof(Fill), packFill},
    {"relu", runRelu, sizeof(Relu), packRelu},
    {"reluAt", runReluAt, sizeof(ReluAt), packReluAt},
    {"fetch", runFetch, sizeof(Fetch), packFetch},
    {"expand", runExpand, sizeof(Expand), packExpand},
    {"stamp", runStamp, sizeof(Stamp), packStamp},
};

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  ENTER_CONTEXT(cuModuleLoadData);
  *module = calloc(1, sizeof **module);
  (*module)->source = strdup(image);
  live[MODULES]++;
  return SUCCESS;
}

EXPORT CUresult cuModuleUnload(CUmodule module) {
  free(module->source);
  free(module);
  live[MODULES]--;
  return SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  ENTER_CONTEXT(cuModuleGetFunction);
  char declaration[96];
  snprintf(declaration, sizeof declaration, "__global__ void %s(", name);
  if (!strstr(module->source, declaration)) return NOT_FOUND;
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    if (strcmp(kernels[i].name, name) == 0) {
      *function = &kernels[i];
      return SUCCESS;
    }
  }
  return NOT_FOUND;
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                               unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                               CUstream stream, void **arguments, void **extra) {
  (void)sharedBytes, (void)extra;
  ENTER_CONTEXT(cuLaunchKernel);
  if (!gridX || !gridY || !gridZ || !blockX || !blockY || !blockZ || blockX * blockY * blockZ > 1024)
    return INVALID_VALUE;
  char packed[sizeof(Relu)];
  function->pack(packed, arguments, (Grid){gridX, gridY});
  fakeEnqueue(stream, function->run, packed, function->bytes,
              strcmp(function->name, "stamp") == 0 ? 0 : KERNEL);
  return SUCCESS;
}
