// What a change of a field does to a running job, read from the schema where each field says so itself.
import { isDeepStrictEqual } from 'node:util';
import type { TSchema } from '@sinclair/typebox';
import { FlowJobSpecSchema, type FlowJobSpec } from './flowjob.ts';
import type { ChangeClass } from './schema-kit.ts';

interface Node {
  properties?: Record<string, Node>;
  'x-flowjob-change'?: ChangeClass;
}

/**
 * The class of the field at `path` below spec: `taskManager.slots`, `job.sql.inline`. Throws RangeError for a path that is not a leaf of the schema:
 * every leaf has a class (a test sees to it).
 */
export function changeClassOf(path: string): ChangeClass {
  let node: Node | undefined = FlowJobSpecSchema as TSchema as Node;
  for (const part of path.split('.')) node = node?.properties?.[part];
  const found = node?.['x-flowjob-change'];
  if (found === undefined) throw new RangeError(`spec.${path} is not a field with a change class`);
  return found;
}

/** Paths below spec of all fields that hold a value, in the order of the schema. */
export function specPaths(): string[] {
  const paths: string[] = [];
  const walk = (node: Node, prefix: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      if (child.properties === undefined) paths.push(path);
      else walk(child, path);
    }
  };
  walk(FlowJobSpecSchema as TSchema as Node, '');
  return paths;
}

/** The value at `path` below `spec`, undefined when it or a parent is absent. */
export function specValue(spec: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], spec);
}

export interface SpecChange {
  path: string;
  before: unknown;
  after: unknown;
  changeClass: ChangeClass;
}

/** The fields whose values differ, in the order of the schema. Takes specs of the same form (both defaulted or both resolved). */
export function specChanges(before: FlowJobSpec, after: FlowJobSpec): SpecChange[] {
  return specPaths().flatMap((path) => {
    const [old, now] = [specValue(before, path), specValue(after, path)];
    return isDeepStrictEqual(old, now) ? [] : [{ path, before: old, after: now, changeClass: changeClassOf(path) }];
  });
}
