import {createRequire} from 'node:module';

/** What is used of sim.js. */
export interface Simjs {
  Sim: new () => {
    addEntity(type: new () => Entity, name: string): void;
    simulate(until: number): void;
  };
  Entity: new () => Entity;
}

export interface Entity {
  start(): void;
  time(): number;
  setTimer(delay: number): {
    done<T>(callback: (argument: T) => void, context?: object, argument?: T): void;
  };
}

/** Loads the npm package simjs from its folder. It is a bundle for browsers: it exports nothing and sets `window.Sim`. */
export function loadSimjs(folder: string): Simjs {
  const window: {Sim?: Simjs} = {};
  Object.assign(globalThis, {window});
  createRequire(import.meta.url)(folder);
  return window.Sim!;
}
