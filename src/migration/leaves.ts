// Every single value of an object and where it stands, so that an importer can account for each of them.

export type Json = Record<string, unknown>;
export type Path = readonly (string | number)[];

export interface Leaf {
  path: Path;
  value: unknown;
}

export const isMap = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Scalars, null, and maps and lists that hold nothing, in the order of the text. */
export function leavesOf(value: unknown, path: Path = []): Leaf[] {
  if (Array.isArray(value) && value.length > 0) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (isMap(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([name, item]) => leavesOf(item, [...path, name]));
  return [{ path, value }];
}

/** What stands at `path`; undefined when nothing does. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}

/** Puts `value` at `path`, with maps on the way where there are none. */
export function putAt(target: Json, path: readonly string[], value: unknown): void {
  let current = target;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(current, step) ? current[step] : undefined;
    if (isMap(next)) current = next;
    else current = define(current, step, {}) as Json;
  }
  define(current, path.at(-1)!, value);
}

/** Also for a name like __proto__, which an assignment would take for something else. */
function define(target: Json, name: string, value: unknown): unknown {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  return value;
}

/** `spec.flinkConfiguration["job.autoscaler"].enabled`, `spec.job.args[0]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
