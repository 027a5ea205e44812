// Compares the shape of a JSON answer with a recorded one: every recorded field is there and has the recorded JSON type.

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Flink writes a number that it does not have (the busy time of a legacy source) as "NaN". */
const typeName = (value: Json | undefined): string =>
  value === undefined
    ? 'absent'
    : value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : value === 'NaN'
          ? 'number'
          : typeof value;

/**
 * Differences as `path: what`, empty when `actual` has the shape of `recorded`. Extra fields are allowed. `null` in either place fits any type, because
 * a recording shows one moment. Of arrays the first elements are compared. `ignore` takes paths with `[]` for elements.
 */
export function shapeDifferences(
  recorded: Json,
  actual: Json | undefined,
  ignore: ReadonlySet<string>,
  path = '',
): string[] {
  if (ignore.has(path)) return [];
  const [want, got] = [typeName(recorded), typeName(actual)];
  if (got === 'absent') return [`${path}: missing`];
  if (want === 'null' || got === 'null') return [];
  if (want !== got) return [`${path}: ${got} instead of ${want}`];
  if (Array.isArray(recorded)) {
    if (recorded.length === 0) return [];
    const [first] = actual as Json[];
    return first === undefined
      ? [`${path}[]: no element to compare`]
      : shapeDifferences(recorded[0]!, first, ignore, `${path}[]`);
  }
  if (typeof recorded === 'object' && recorded !== null)
    return Object.entries(recorded).flatMap(([key, value]) =>
      shapeDifferences(value, (actual as { [key: string]: Json })[key], ignore, `${path}.${key}`),
    );
  return [];
}
