/** What one method of a policy's parts took within a decision. */
interface Part {
  readonly name: string;
  calls: number;
  ns: number;
}

/**
 * Counts and times the calls of the methods of everything that an object holds, by wrapping them. Times include what a
 * method calls in turn, and the readings of the clock.
 */
export class Profiler {
  private readonly parts: Part[] = [];

  constructor(root: object, now: () => number) {
    for (const [field, held] of Object.entries(root)) {
      if (typeof held !== 'object' || held === null || ArrayBuffer.isView(held) || Array.isArray(held))
        continue;
      const prototype = Object.getPrototypeOf(held) as object;
      if (prototype === Object.prototype) continue;
      this.wrap(field, held, prototype, now);
    }
    this.wrap('', root, Object.getPrototypeOf(root) as object, now);
  }

  /** Begins a decision. */
  start(): void {
    for (const part of this.parts) part.calls = part.ns = 0;
  }

  /** What was called since, the longest first. */
  describe(): string {
    return this.parts
      .filter(({calls}) => calls > 0)
      .toSorted((a, b) => b.ns - a.ns)
      .map(({name, calls, ns}) => `${name} ${(ns / 1e3).toFixed(1)} us/${calls}`)
      .join(', ');
  }

  private wrap(field: string, held: object, prototype: object, now: () => number): void {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name === 'constructor' || (field === '' && name === 'decide')) continue;
      const method = (held as Record<string, unknown>)[name];
      if (typeof method !== 'function') continue;
      const part: Part = {name: field === '' ? name : `${field}.${name}`, calls: 0, ns: 0};
      this.parts.push(part);
      Object.defineProperty(held, name, {
        value: (...values: unknown[]): unknown => {
          const begin = now();
          const result: unknown = method.apply(held, values);
          part.ns += now() - begin;
          part.calls++;
          return result;
        },
      });
    }
  }
}
