import {performance} from 'node:perf_hooks';

/** How long something took. */
export interface Elapsed {
  /** On the wall, neighbours on the machine included. */
  readonly seconds: number;
  /** Of all of the process' threads: also what V8 compiles and collects beside the measured one. */
  readonly cpuSeconds: number;
}

/** Starts to measure; the result tells the time since. */
export function startWatch(): () => Elapsed {
  const cpu = process.cpuUsage();
  const start = performance.now();
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const {user, system} = process.cpuUsage(cpu);
    return {seconds, cpuSeconds: (user + system) / 1e6};
  };
}
