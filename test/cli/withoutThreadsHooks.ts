// Module hooks that put another pool in the place of that of threads; run by node:module's register() on a thread of its own.
import type {ResolveHook} from 'node:module';

export const resolve: ResolveHook = (specifier, context, next) =>
  next(specifier === 'tinypool' ? new URL('callersPool.js', import.meta.url).href : specifier, context);
