// Compares the shape of a JSON answer with a recorded one: every recorded field is there and has the recorded JSON type.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Flink writes a number that it does not have (the busy time of a legacy source) as "NaN". */
const typeName = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : value === 'NaN' ? 'number' : typeof value;

/**
 * Differences as `path: what`, empty when `actual` has the shape of `recorded`. Extra fields are allowed. Elements of arrays are compared as a whole: a
 * field that all recorded elements have must be in all actual ones, one that some have in some. `null` on either side fits any type, because a recording
 * shows one moment; but it is no answer. `ignore` takes paths such as `.vertices[].metrics`.
 */
export function shapeDifferences(recorded: Json, actual: Json, ignore: ReadonlySet<string>): string[] {
  return actual === null && recorded !== null
    ? ['null instead of an answer']
    : compare([recorded], [actual], ignore, '');
}

function compare(recorded: Json[], actual: Json[], ignore: ReadonlySet<string>, path: string): string[] {
  if (ignore.has(path)) return [];
  const [wanted, found] = [recorded, actual].map((values) => new Set(values.map(typeName)));
  wanted!.delete('null');
  found!.delete('null');
  if (wanted!.size === 0 || found!.size === 0) return [];
  const strange = [...found!].filter((type) => !wanted!.has(type));
  if (strange.length > 0) return [`${path}: ${strange.join(', ')} instead of ${[...wanted!].join(', ')}`];
  return [...compareElements(recorded, actual, ignore, path), ...compareFields(recorded, actual, ignore, path)];
}

function compareElements(recorded: Json[], actual: Json[], ignore: ReadonlySet<string>, path: string): string[] {
  const [wanted, found] = [recorded, actual].map((values) => values.filter((value) => Array.isArray(value)).flat());
  if (wanted!.length === 0) return [];
  if (found!.length === 0) return ignore.has(`${path}[]`) ? [] : [`${path}[]: no element to compare`];
  return compare(wanted!, found!, ignore, `${path}[]`);
}

function compareFields(recorded: Json[], actual: Json[], ignore: ReadonlySet<string>, path: string): string[] {
  const isObject = (value: Json): value is { [key: string]: Json } => typeName(value) === 'object';
  const [wanted, found] = [recorded.filter(isObject), actual.filter(isObject)];
  return [...new Set(wanted.flatMap((value) => Object.keys(value)))].flatMap((key) => {
    const at = `${path}.${key}`;
    if (ignore.has(at)) return [];
    const having = found.filter((value) => Object.hasOwn(value, key));
    const inAll = wanted.every((value) => Object.hasOwn(value, key));
    if (having.length === 0 || (inAll && having.length < found.length)) return [`${at}: missing`];
    const values = (objects: { [key: string]: Json }[]): Json[] =>
      objects.flatMap((value) => (Object.hasOwn(value, key) ? [value[key]!] : []));
    return compare(values(wanted), values(having), ignore, at);
  });
}
