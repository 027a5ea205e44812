// `flowjob get`: tables, YAML, JSON or names of objects, once or as they change.
import { stringify } from 'yaml';
import { API_VERSION, KINDS } from '../../api/group.ts';
import type { ObjectMeta } from '../../api/object.ts';
import type { AnyObject } from '../../store/port.ts';
import { LAST_APPLIED_ANNOTATION } from '../../api/group.ts';
import { CommandError, type CliContext } from '../context.ts';
import { keyIn, type Place } from '../place.ts';
import { objectRows, renderTable } from '../table.ts';
import { existing, parseTarget } from '../targets.ts';

export const OUTPUT_FORMATS = ['wide', 'json', 'yaml', 'name'] as const;

interface GetOptions {
  target: readonly string[];
  output: (typeof OUTPUT_FORMATS)[number] | undefined;
  watch: boolean;
  allNamespaces: boolean;
}

export async function get(context: CliContext, place: Place, options: GetOptions): Promise<void> {
  const { kind, name } = parseTarget(options.target);
  if (name !== null && options.allNamespaces)
    throw new CommandError(`"${name}" is in one namespace: leave out --all-namespaces, or the name`);
  const store = options.allNamespaces ? place.storeIn(null) : place.store;
  // A watch goes on from the list; one object alone needs no right to list.
  const list = name === null || options.watch ? await store.list(kind) : null;
  const objects: AnyObject[] = name === null ? list!.items : [await existing(store, kind, keyIn(place, name))];
  if (objects.length === 0 && !options.watch && isTable(options)) {
    context.err(`No ${KINDS[kind].plural} in ${options.allNamespaces ? 'any namespace' : place.name}.`);
    return;
  }
  const stale = isTable(options) ? place.staleness() : null;
  if (stale !== null) context.err(stale);
  const printed = isTable(options) ? printTable(context, options, objects) : [];
  if (!isTable(options)) print(context, options, name === null ? objects : objects[0]!);
  if (!options.watch) return;
  const watch = { resourceVersion: list!.resourceVersion, signal: context.interrupted };
  for await (const { type, object } of store.watch(kind, watch)) {
    if (name !== null && object.metadata.name !== name) continue;
    if (!isTable(options)) print(context, options, object);
    else if (type === 'Deleted') context.out(`${KINDS[kind].singular}/${object.metadata.name} deleted`);
    else printRow(context, options, object, printed);
  }
}

const rowOptions = (context: CliContext, { output, allNamespaces }: GetOptions) => ({
  wide: output === 'wide',
  namespaces: allNamespaces,
  now: context.now(),
});

const isTable = (options: GetOptions): boolean => options.output === undefined || options.output === 'wide';

/** Answers the widths of the columns, for the rows of a watch. */
function printTable(context: CliContext, options: GetOptions, objects: readonly AnyObject[]): number[] {
  const first = objects[0];
  const { kind } = first === undefined ? parseTarget(options.target) : first;
  const { headers, rows } = objectRows(kind, objects, rowOptions(context, options));
  context.out(renderTable(headers, rows));
  return headers.map((header, column) => Math.max(header.length, ...rows.map((row) => row[column]!.length)));
}

function printRow(context: CliContext, options: GetOptions, object: AnyObject, widths: readonly number[]): void {
  const { rows } = objectRows(object.kind, [object], rowOptions(context, options));
  const row = rows[0]!;
  context.out(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

function print(context: CliContext, options: GetOptions, what: AnyObject | AnyObject[]): void {
  const list = Array.isArray(what) ? what : [what];
  if (options.output === 'name') {
    for (const object of list) context.out(`${KINDS[object.kind].singular}/${object.metadata.name}`);
    return;
  }
  const shown = list.map(withoutBookkeeping);
  const value = Array.isArray(what) ? { apiVersion: API_VERSION, kind: 'List', items: shown } : shown[0];
  if (options.output === 'json') context.out(JSON.stringify(value, null, 2));
  else if (options.output === 'yaml') context.out(stringify(value, { lineWidth: 0 }).trimEnd());
  else throw new CommandError(`unknown format ${options.output}`);
}

/** What `kubectl apply` notes, unless it is server-side. */
const KUBECTL_LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** Without what `apply`, that of kubectl too, and the API server note for themselves, which would double the output. */
export function withoutBookkeeping(object: AnyObject): AnyObject {
  const {
    [LAST_APPLIED_ANNOTATION]: _applied,
    [KUBECTL_LAST_APPLIED_ANNOTATION]: _kubectlApplied,
    ...annotations
  } = object.metadata.annotations ?? {};
  const {
    annotations: _annotations,
    managedFields: _fields,
    ...metadata
  } = object.metadata as ObjectMeta & {
    managedFields?: unknown;
  };
  return {
    ...object,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
  };
}
