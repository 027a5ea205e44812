// Pod templates of the other operator as those of FlowJob: common and role's merged as it merges them, the engine's container under our name.
import { strategicMerge } from '../runtime/kubernetes/merge-template.ts';
import { isMap, type Json } from './leaves.ts';

export const ROLES = ['jobManager', 'taskManager'] as const;
export type Role = (typeof ROLES)[number];

/** What the engine's container is called in pods of ours, by the field of the role. */
export const CONTAINER: Readonly<Record<Role, string>> = { jobManager: 'jobmanager', taskManager: 'taskmanager' };
/** The same in pods of the other operator. */
export const MAIN_CONTAINER = 'flink-main-container';
/** What Flink sets in its container whatever a template says, besides memory and cpu ("Fields Overwritten by Flink" in its documentation). */
export const OVERWRITTEN = ['image', 'imagePullPolicy', 'command', 'args'] as const;

/** `over` on top of `base`, as FlinkUtils.mergePodTemplates does: maps field by field, lists item by item, by place or by name. */
export function mergeTemplates(base: unknown, over: unknown, byName: boolean): Json {
  if (!isMap(base)) return isMap(over) ? over : {};
  return isMap(over) ? mergeMaps(base, over, byName) : base;
}

function mergeMaps(base: Json, over: Json, byName: boolean): Json {
  const merged: Json = { ...base };
  for (const [name, value] of Object.entries(over)) merged[name] = mergeValues(merged[name], value, byName);
  return merged;
}

function mergeValues(base: unknown, over: unknown, byName: boolean): unknown {
  if (isMap(base) && isMap(over)) return mergeMaps(base, over, byName);
  if (!Array.isArray(base) || !Array.isArray(over)) return over;
  const items: unknown[] = [...(base as unknown[]), ...(over as unknown[])];
  const named = items.every((item) => isMap(item) && typeof item['name'] === 'string');
  return byName && named ? mergeByName(base as Json[], over as Json[]) : mergeByPlace(base, over, byName);
}

function mergeByPlace(base: unknown[], over: unknown[], byName: boolean): unknown[] {
  const longer = Math.max(base.length, over.length);
  return Array.from({ length: longer }, (_, index) => {
    if (index >= over.length) return base[index];
    return index >= base.length ? over[index] : mergeValues(base[index], over[index], byName);
  });
}

function mergeByName(base: Json[], over: Json[]): Json[] {
  const added = over.filter(({ name }) => !base.some((item) => item['name'] === name));
  const kept = base.map((item) => {
    const other = over.find(({ name }) => name === item['name']);
    return other === undefined ? item : mergeMaps(item, other, true);
  });
  return [...kept, ...added];
}

/** As FlowJob takes it: labels and annotations of metadata, spec; the engine's container renamed; `patches` on top. */
export function ourTemplate(role: Role, template: Json, patches: readonly Json[]): Json {
  const given = isMap(template['metadata']) ? template['metadata'] : {};
  const metadata = Object.fromEntries(
    ['labels', 'annotations'].filter((name) => isMap(given[name])).map((name) => [name, given[name]]),
  );
  const own: Json = {
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(isMap(template['spec']) ? { spec: withEngine(role, template['spec']) } : {}),
  };
  return patches.reduce(strategicMerge, own);
}

function withEngine(role: Role, spec: Json): Json {
  if (!Array.isArray(spec['containers'])) return spec;
  const asOurs = (item: unknown): unknown =>
    isMap(item) && item['name'] === MAIN_CONTAINER ? { ...withoutOverwritten(item), name: CONTAINER[role] } : item;
  return { ...spec, containers: spec['containers'].map(asOurs) };
}

function withoutOverwritten(container: Json): Json {
  const { resources, ...rest } = container;
  const kept = Object.entries(rest).filter(([name]) => !OVERWRITTEN.some((overwritten) => overwritten === name));
  if (!isMap(resources)) return Object.fromEntries(kept);
  const others = Object.entries(resources).map(([bound, amounts]) => {
    if (!isMap(amounts)) return [bound, amounts] as const;
    return [bound, Object.fromEntries(Object.entries(amounts).filter(([name]) => name !== 'memory' && name !== 'cpu'))];
  });
  return { ...Object.fromEntries(kept), resources: Object.fromEntries(others) as Json };
}

/** What is to be set in the engine's container of a role. */
export function containerPatch(role: Role, container: Json): Json {
  return { spec: { containers: [{ name: CONTAINER[role], ...container }] } };
}
