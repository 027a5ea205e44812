// Merges what a user wants of a pod into what the operator makes of it, the strategic way: maps field by field, lists of named things by their names.
// (Kubernetes' strategic merge patch, with the merge keys of PodSpec.)

/** Lists that are merged item by item, and what tells their items apart. All others are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  ports: 'containerPort',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
};

type Json = Record<string, unknown>;

const isMap = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value);

/** `patch` over `base`, neither changed. null removes a field; `$patch: delete` an item of a list; `$patch: replace` puts a map in the other's place. */
export function strategicMerge(base: Json, patch: Json): Json {
  if (patch['$patch'] === 'replace') return without(patch, '$patch');
  const merged: Json = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergeField(name, merged[name], value);
  }
  return merged;
}

function mergeField(name: string, base: unknown, patch: unknown): unknown {
  if (isMap(patch)) return strategicMerge(isMap(base) ? base : {}, patch);
  const key = MERGE_KEYS[name];
  return Array.isArray(patch) && key !== undefined ? mergeList(Array.isArray(base) ? base : [], patch, key) : patch;
}

function mergeList(base: readonly unknown[], patch: readonly unknown[], key: string): unknown[] {
  const merged = [...base];
  for (const item of patch) {
    const at = isMap(item) ? merged.findIndex((one) => isMap(one) && one[key] === item[key]) : -1;
    const old = merged[at];
    if (isMap(item) && item['$patch'] === 'delete') {
      if (at >= 0) merged.splice(at, 1);
    } else if (isMap(item) && isMap(old)) merged[at] = strategicMerge(old, item);
    else merged.push(item);
  }
  return merged;
}

function without(map: Json, name: string): Json {
  const { [name]: _left, ...rest } = map;
  return rest;
}
