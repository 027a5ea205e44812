// Generated source text to function. The same text is compiled once per thread, so subtasks share V8's optimised code.
const compiled = new Map<string, (runtime: unknown) => unknown>();

/**
 * Runs `source`, the body of a function of one parameter `rt`, and returns what it returns: the generated function, with state of its own.
 * `runtime` are the helpers that generated code may call. The text is made by this folder from typed plans: literals enter it only
 * as JSON.
 */
export function instantiate<T>(source: string, runtime: unknown): T {
  let factory = compiled.get(source);
  if (factory === undefined) {
    factory = new Function('rt', `'use strict';\n${source}`) as (runtime: unknown) => unknown;
    compiled.set(source, factory);
  }
  return factory(runtime) as T;
}
