// The merge behind apply, in the manner of server-side apply: what the manifest says is set, what it said before and says no more returns to its default, what
// others set stays.
import { isDeepStrictEqual } from 'node:util';
import { withDefaults, type StructuralSchema } from '../api/structural.ts';

type Fields = Record<string, unknown>;

/**
 * `previous`: what the last apply said; `manifest`: what this one says; `live`: what stands there, defaults filled in. The result still lacks defaults for the
 * fields that went. Lists are taken whole. Pure.
 */
export function mergeApplied(schema: StructuralSchema, previous: Fields, manifest: Fields, live: Fields): Fields {
  const merged: Fields = { ...live };
  for (const [name, said] of Object.entries(previous)) {
    if (!isAbsent(manifest[name])) continue;
    const rest = isFields(said) && isFields(live[name]) ? remainder(schema, name, said, live[name]) : undefined;
    if (rest === undefined) delete merged[name];
    else merged[name] = rest;
  }
  for (const [name, value] of Object.entries(manifest)) {
    if (isAbsent(value)) continue;
    const before = previous[name];
    merged[name] =
      isFields(value) && isFields(live[name])
        ? mergeApplied(schema.properties?.[name] ?? {}, isFields(before) ? before : {}, value, live[name])
        : value;
  }
  return merged;
}

/** What others set below a field that left the manifest; undefined when nothing but defaults is left. */
function remainder(schema: StructuralSchema, name: string, said: Fields, live: Fields): Fields | undefined {
  const child = schema.properties?.[name] ?? {};
  const rest = mergeApplied(child, said, {}, live);
  return isDeepStrictEqual(withDefaults(child, rest), withDefaults(child, {})) ? undefined : rest;
}

/** A null stands for "not set", as in a manifest with `parallelism:` and nothing behind it. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
