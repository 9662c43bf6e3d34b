// A result on disk: results/<hash>/ with the manifest first, each run as it finishes, and the summary last.
import {existsSync, readFileSync, readdirSync, rmSync, rmdirSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {makeFolder, writeWhole} from '../files.ts';
import type {Outcome} from './outcome.ts';

/** The folder of one result. Every file is whole or absent. */
export class ResultStore {
  /** As the user named it. */
  readonly folder: string;
  /** Absolute, so that results go to where the run was started, also when that folder is deleted meanwhile. */
  private readonly place: string;

  constructor(root: string, hash: string) {
    this.folder = join(root, hash);
    this.place = resolve(this.folder);
  }

  /** The path of a file as messages show it. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Whether everything is done: the summary is written last. */
  get complete(): boolean {
    return existsSync(this.at('summary.json'));
  }

  has(name: string): boolean {
    return existsSync(this.at(name));
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8');
  }

  write(name: string, text: string): void {
    const path = this.at(name);
    makeFolder(dirname(path));
    writeWhole(path, [text]);
  }

  /** The outcomes of finished runs, by hash. Files that another version or an accident left unreadable are run again. */
  finishedRuns(): Map<string, Outcome> {
    const runs = new Map<string, Outcome>();
    if (!this.has('runs')) return runs;
    for (const file of readdirSync(this.at('runs'))) {
      const hash = /^([0-9a-f]+)\.json$/.exec(file)?.[1];
      if (hash === undefined) continue;
      try {
        runs.set(hash, JSON.parse(this.read(`runs/${file}`)) as Outcome);
      } catch {
        continue;
      }
    }
    return runs;
  }

  keepRun(hash: string, outcome: Outcome): void {
    this.write(`runs/${hash}.json`, `${JSON.stringify(outcome)}\n`);
  }

  /** The runs are in the summary; what was kept to resume from goes. */
  forgetRuns(): void {
    rmSync(this.at('runs'), {recursive: true, force: true});
  }

  /** Removes the result, and the folder if nothing else is in it. */
  clear(): void {
    for (const name of ['summary.json', 'report.html', 'manifest.json', 'runs']) {
      rmSync(this.at(name), {recursive: true, force: true});
    }
    if (existsSync(this.place) && readdirSync(this.place).length === 0) rmdirSync(this.place);
  }

  private at(name: string): string {
    return join(this.place, name);
  }
}
