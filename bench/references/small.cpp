// The small model of workload.ts in C++: structures of arrays, std::priority_queue, one process, one thread.
// usage: small FILE REQUESTS WARMUP_REQUESTS
#include <chrono>
#include <ctime>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <queue>
#include <vector>

struct Workload {
  int tenants, classes, kernels_per_request, lanes, max_size;
  std::vector<int> programs;
  std::vector<int64_t> durations, arrival_at;
  std::vector<int> arrival_tenant;
};

struct Result {
  int64_t kernels = 0, launches = 0, completed = 0, makespan_ns = 0, latency_ns = 0;
};

static Workload read_workload(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path);
    std::exit(1);
  }
  auto take = [file](size_t n) {
    std::vector<double> values(n);
    if (std::fread(values.data(), 8, n, file) != n) std::exit(1);
    return values;
  };
  auto counts = take(6);
  Workload w;
  w.tenants = counts[0], w.classes = counts[1], w.kernels_per_request = counts[2];
  w.lanes = counts[3], w.max_size = counts[4];
  auto programs = take(w.tenants * w.kernels_per_request);
  auto durations = take(w.classes * (w.max_size + 1));
  auto at = take(counts[5]), tenant = take(counts[5]);
  // Each program is ended by -1.
  for (int t = 0; t < w.tenants; t++) {
    for (int i = 0; i < w.kernels_per_request; i++) w.programs.push_back(programs[t * w.kernels_per_request + i]);
    w.programs.push_back(-1);
  }
  w.durations.assign(durations.begin(), durations.end());
  w.arrival_at.assign(at.begin(), at.end());
  w.arrival_tenant.assign(tenant.begin(), tenant.end());
  std::fclose(file);
  return w;
}

struct Event {
  int64_t at, launch;
  int lane;
  bool operator<(const Event& other) const { return at != other.at ? at > other.at : launch > other.launch; }
};

class Simulation {
 public:
  explicit Simulation(const Workload& w)
      : w(w), head(w.classes, -1), tail(w.classes, -1), count(w.classes), where(w.classes),
        members(w.lanes * w.max_size), size(w.lanes), busy(w.lanes) {}

  Result run(size_t requests) {
    size_t next_arrival = 0;
    while (next_arrival < requests || !events.empty()) {
      const int64_t arrival = next_arrival < requests ? w.arrival_at[next_arrival] : INT64_MAX;
      now = events.empty() || arrival < events.top().at ? arrival : events.top().at;
      for (; !events.empty() && events.top().at == now; events.pop()) finish(events.top().lane);
      for (; next_arrival < requests && w.arrival_at[next_arrival] == now; next_arrival++) arrive(next_arrival);
      decide();
    }
    result.makespan_ns = now;
    return result;
  }

 private:
  void arrive(size_t i) {
    int slot;
    if (free_head >= 0) {
      slot = free_head;
      free_head = next[slot];
    } else {
      slot = static_cast<int>(cursor.size());
      cursor.push_back(0), next.push_back(-1), ready_at.push_back(0), arrived_at.push_back(0);
    }
    cursor[slot] = w.arrival_tenant[i] * (w.kernels_per_request + 1);
    arrived_at[slot] = w.arrival_at[i];
    make_ready(slot);
  }

  void make_ready(int slot) {
    const int cls = w.programs[cursor[slot]];
    ready_at[slot] = now;
    next[slot] = -1;
    if (tail[cls] < 0) {
      head[cls] = slot;
      where[cls] = static_cast<int>(non_empty.size());
      non_empty.push_back(cls);
    } else {
      next[tail[cls]] = slot;
    }
    tail[cls] = slot;
    count[cls]++;
  }

  void finish(int lane) {
    busy[lane] = false;
    for (int i = 0; i < size[lane]; i++) {
      const int slot = members[lane * w.max_size + i];
      if (w.programs[++cursor[slot]] >= 0) {
        make_ready(slot);
      } else {
        result.completed++;
        result.latency_ns += now - arrived_at[slot];
        next[slot] = free_head;
        free_head = slot;
      }
    }
  }

  void decide() {
    for (int lane = 0; lane < w.lanes && !non_empty.empty(); lane++) {
      if (busy[lane]) continue;
      int best = -1;
      for (const int cls : non_empty) {
        if (best >= 0) {
          if (count[cls] < count[best]) continue;
          if (count[cls] == count[best] && ready_at[head[cls]] >= ready_at[head[best]]) continue;
        }
        best = cls;
      }
      launch(lane, best);
    }
  }

  void launch(int lane, int cls) {
    int n = 0;
    int slot = head[cls];
    for (; slot >= 0 && n < w.max_size; slot = next[slot]) members[lane * w.max_size + n++] = slot;
    head[cls] = slot;
    count[cls] -= n;
    if (slot < 0) {
      tail[cls] = -1;
      non_empty[where[cls]] = non_empty.back();
      where[non_empty.back()] = where[cls];
      non_empty.pop_back();
    }
    size[lane] = n;
    busy[lane] = true;
    events.push({now + w.durations[cls * (w.max_size + 1) + n], result.launches, lane});
    result.launches++;
    result.kernels += n;
  }

  const Workload& w;
  Result result;
  int64_t now = 0;
  std::priority_queue<Event> events;
  // Streams by slot.
  std::vector<int> cursor, next;
  std::vector<int64_t> ready_at, arrived_at;
  int free_head = -1;
  // Ready lists by class.
  std::vector<int> head, tail, count, where, non_empty;
  // Launches by lane.
  std::vector<int> members, size;
  std::vector<char> busy;
};

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const Workload workload = read_workload(argv[1]);
  Simulation(workload).run(std::atoi(argv[3]));
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  const Result r = Simulation(workload).run(std::atoi(argv[2]));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double cpu_seconds = double(std::clock() - cpu) / CLOCKS_PER_SEC;
  std::printf("{\"kernels\":%lld,\"launches\":%lld,\"completed\":%lld,\"makespanNs\":%lld,\"latencyNs\":%lld,\"seconds\":%.9f,\"cpuSeconds\":%.9f}\n",
              (long long)r.kernels, (long long)r.launches, (long long)r.completed, (long long)r.makespan_ns,
              (long long)r.latency_ns, seconds, cpu_seconds);
}
