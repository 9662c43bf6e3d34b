// Module hooks that let a user's policy be TypeScript and import this package from anywhere. Run by node:module's
// register() on a thread of its own; Node 20 cannot load TypeScript, and later versions not everywhere.
import {readFile} from 'node:fs/promises';
import type {LoadHook, ResolveHook} from 'node:module';
import {fileURLToPath} from 'node:url';
import {transformSync} from '@swc/wasm-typescript';

/** What a policy may import even where it is not installed beside it. */
const provided = new Set(['superkernel', 'zod']);

export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!provided.has(specifier)) throw error;
    return next(specifier, {...context, parentURL: import.meta.url});
  }
};

/** Blanks the types out, so that lines and columns in stack traces are the source's own. */
export const load: LoadHook = async (url, context, next) => {
  if (!/^file:.*\.m?ts$/.test(url)) return next(url, context);
  const filename = fileURLToPath(url);
  const source = await readFile(filename, 'utf8');
  try {
    const {code} = transformSync(source, {mode: 'strip-only', filename});
    return {format: 'module', source: code, shortCircuit: true};
  } catch (problem) {
    const {message, startLine, startColumn} = problem as Partial<Record<string, unknown>>;
    throw new SyntaxError(`${filename}:${String(startLine)}:${Number(startColumn) + 1}: ${String(message)}`, {
      cause: problem,
    });
  }
};
