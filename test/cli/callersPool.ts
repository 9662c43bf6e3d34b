// What the program uses of Tinypool, in the caller's thread.
import {pathToFileURL} from 'node:url';

type Work = (task: unknown) => unknown;

export class Tinypool {
  private readonly work: Promise<Work>;

  constructor({filename}: {readonly filename: string}) {
    this.work = import(pathToFileURL(filename).href).then((module: {default: Work}) => module.default);
  }

  /** What goes in and out is copied, as between threads, so that it has to be plain data. */
  async run(task: unknown): Promise<unknown> {
    const work = await this.work;
    return structuredClone(await work(structuredClone(task)));
  }

  async destroy(): Promise<void> {}
}
