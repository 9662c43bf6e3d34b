"""The small model of workload.ts in SimPy: a process for the arrivals, and for every launch a timeout or a process.

usage: small.py FILE REQUESTS WARMUP_REQUESTS timeouts|processes
"""
import json
import sys
from array import array
from collections import deque
from time import perf_counter, process_time

import simpy


class Workload:
    def __init__(self, path, requests):
        values = array('d')
        with open(path, 'rb') as file:
            values.frombytes(file.read())
        counts = [int(v) for v in values[:6]]
        self.tenants, self.classes, self.kernels, self.lanes, self.max_size, total = counts
        at = 6

        def take(n):
            nonlocal at
            at += n
            return [int(v) for v in values[at - n:at]]

        flat = take(self.tenants * self.kernels)
        self.programs = [flat[i * self.kernels:(i + 1) * self.kernels] for i in range(self.tenants)]
        flat = take(self.classes * (self.max_size + 1))
        self.durations = [flat[i * (self.max_size + 1):(i + 1) * (self.max_size + 1)] for i in range(self.classes)]
        self.arrivals = list(zip(take(total)[:requests], take(total)))[:requests]


class Stream:
    __slots__ = ('program', 'position', 'arrived_at', 'ready_at')

    def __init__(self, program, arrived_at):
        self.program = program
        self.position = 0
        self.arrived_at = arrived_at
        self.ready_at = 0


class Simulation:
    def __init__(self, workload, style):
        self.w = workload
        self.launch = {'timeouts': self.set_timeout, 'processes': self.start_process}[style]
        self.env = simpy.Environment()
        self.ready = [deque() for _ in range(workload.classes)]
        self.non_empty = []
        self.busy = [False] * workload.lanes
        self.finished = []
        self.arrived = []
        self.kernels = self.launches = self.completed = self.latency = self.makespan = 0

    def run(self, requests):
        self.env.process(self.arrive(requests))
        self.env.run()

    def arrive(self, requests):
        env, programs = self.env, self.w.programs
        for at, tenant in self.w.arrivals[:requests]:
            if at > env.now:
                yield env.timeout(at - env.now)
            self.wake()
            self.arrived.append(Stream(programs[tenant], at))

    def set_timeout(self, duration, lane, members):
        """The least that SimPy can do for a launch: one event with a callback."""
        self.env.timeout(duration, (lane, members)).callbacks.append(self.finish)

    def finish(self, event):
        self.wake()
        self.finished.append(event.value)

    def start_process(self, duration, lane, members):
        """What SimPy's documentation does with everything that takes time."""
        self.env.process(self.execute(duration, lane, members))

    def execute(self, duration, lane, members):
        yield self.env.timeout(duration)
        self.wake()
        self.finished.append((lane, members))

    def wake(self):
        """One decision an instant, behind all that happens then: it is scheduled last."""
        if not self.finished and not self.arrived:
            self.env.timeout(0).callbacks.append(self.decide)

    def make_ready(self, stream):
        cls = stream.program[stream.position]
        stream.ready_at = self.env.now
        queue = self.ready[cls]
        if not queue:
            self.non_empty.append(cls)
        queue.append(stream)

    def decide(self, _):
        now = self.env.now
        for lane, members in self.finished:
            self.busy[lane] = False
            for stream in members:
                stream.position += 1
                if stream.position < len(stream.program):
                    self.make_ready(stream)
                else:
                    self.completed += 1
                    self.latency += now - stream.arrived_at
                    self.makespan = now
        for stream in self.arrived:
            self.make_ready(stream)
        self.finished.clear()
        self.arrived.clear()
        ready, non_empty = self.ready, self.non_empty
        for lane, busy in enumerate(self.busy):
            if busy:
                continue
            if not non_empty:
                break
            best = -1
            most = 0
            for cls in non_empty:
                count = len(ready[cls])
                if count < most or count == most and ready[cls][0].ready_at >= ready[best][0].ready_at:
                    continue
                best, most = cls, count
            self.take(lane, best)

    def take(self, lane, cls):
        queue = self.ready[cls]
        size = min(len(queue), self.w.max_size)
        members = [queue.popleft() for _ in range(size)]
        if not queue:
            at = self.non_empty.index(cls)
            self.non_empty[at] = self.non_empty[-1]
            self.non_empty.pop()
        self.busy[lane] = True
        self.launches += 1
        self.kernels += size
        self.launch(self.w.durations[cls][size], lane, members)


def main():
    path, requests, warmup, style = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    workload = Workload(path, requests)
    Simulation(workload, style).run(warmup)
    simulation = Simulation(workload, style)
    start, cpu = perf_counter(), process_time()
    simulation.run(requests)
    seconds, cpu_seconds = perf_counter() - start, process_time() - cpu
    print(json.dumps({
        'kernels': simulation.kernels,
        'launches': simulation.launches,
        'completed': simulation.completed,
        'makespanNs': simulation.makespan,
        'latencyNs': simulation.latency,
        'seconds': seconds,
        'cpuSeconds': cpu_seconds,
    }))


main()
