import {isMap, isNode, isScalar, LineCounter, parseDocument, type Document} from 'yaml';
import {InputError} from '../../scheduler/errors.ts';
import {yamlProblem} from '../yamlProblem.ts';
import type {Path} from './issue.ts';

/** A YAML text as plain values, which knows the line and column where each of them stands. */
export class YamlSource {
  readonly value: unknown;
  private readonly lines = new LineCounter();
  private readonly document: Document;
  private readonly fileName: string;

  /** Throws an `InputError` with file, line and column where the text is not YAML. */
  constructor(text: string, fileName: string) {
    this.fileName = fileName;
    this.document = parseDocument(text, {lineCounter: this.lines, prettyErrors: false, logLevel: 'error'});
    const [error] = this.document.errors;
    if (error) throw new InputError(`${this.position(error.pos[0])}: ${yamlProblem(error)}`);
    try {
      this.value = this.document.toJS();
    } catch (cause) {
      // Aliases are followed only here.
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InputError(`${fileName}: invalid aliases: ${reason.toLowerCase()}`, {cause});
    }
  }

  /** `file:line:col` of the value at `path`, or of what holds it where it is missing; with `key`, of that key. */
  readonly locate = (path: Path, key?: string): string => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? this.document.contents : this.document.getIn(path.slice(0, depth), true);
      if (!isNode(node) || !node.range) continue;
      if (key !== undefined && depth === path.length && isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
        if (pair && isScalar(pair.key) && pair.key.range) return this.position(pair.key.range[0]);
      }
      return this.position(node.range[0]);
    }
    return this.position(0);
  };

  private position(offset: number): string {
    const {line, col} = this.lines.linePos(offset);
    return `${this.fileName}:${line}:${col}`;
  }
}
