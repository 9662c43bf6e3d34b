import type {Nanoseconds} from './clock.ts';

/** Where requests come from: drawn ahead, replayed, or set off by completions (closed loops). */
export interface Arrivals {
  /** Time of the next arrival; Infinity while none is known. */
  nextAt(): Nanoseconds;
  /** The next arrival's tenant; only where `nextAt` is finite. */
  peek(): number;
  /** As `peek`; moves on to the one after. */
  take(): number;
  /** A request of the tenant has left the system. */
  left(tenant: number, at: Nanoseconds): void;
}
