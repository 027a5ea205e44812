// `flowjob get`: tables, YAML, JSON or names of objects, once or as they change.
import { stringify } from 'yaml';
import { API_VERSION, KINDS } from '../../api/group.ts';
import type { AnyObject } from '../../store/port.ts';
import { LAST_APPLIED_ANNOTATION } from '../../api/group.ts';
import { CommandError, noteWithoutOperator, withStore, type CliContext } from '../context.ts';
import { objectRows, renderTable } from '../table.ts';
import { existing, parseTarget } from '../targets.ts';

export const OUTPUT_FORMATS = ['wide', 'json', 'yaml', 'name'] as const;

interface GetOptions {
  target: readonly string[];
  output: (typeof OUTPUT_FORMATS)[number] | undefined;
  watch: boolean;
}

export async function get(context: CliContext, directory: string, options: GetOptions): Promise<void> {
  const { kind, name } = parseTarget(options.target);
  await withStore(context, directory, async (store) => {
    const { items, resourceVersion } = await store.list(kind);
    const objects: AnyObject[] = name === null ? items : [await existing(store, kind, name)];
    if (objects.length === 0 && !options.watch && isTable(options)) {
      context.err(`No ${KINDS[kind].plural} in ${directory}.`);
      return;
    }
    if (isTable(options)) noteWithoutOperator(context, directory);
    const printed = isTable(options) ? printTable(context, options, objects) : [];
    if (!isTable(options)) print(context, options, name === null ? objects : objects[0]!);
    if (!options.watch) return;
    for await (const { type, object } of store.watch(kind, { resourceVersion, signal: context.interrupted })) {
      if (name !== null && object.metadata.name !== name) continue;
      if (!isTable(options)) print(context, options, object);
      else if (type === 'Deleted') context.out(`${KINDS[kind].singular}/${object.metadata.name} deleted`);
      else printRow(context, options, object, printed);
    }
  });
}

const isTable = (options: GetOptions): boolean => options.output === undefined || options.output === 'wide';

/** Answers the widths of the columns, for the rows of a watch. */
function printTable(context: CliContext, options: GetOptions, objects: readonly AnyObject[]): number[] {
  const first = objects[0];
  const { kind } = first === undefined ? parseTarget(options.target) : first;
  const { headers, rows } = objectRows(kind, objects, { wide: options.output === 'wide', now: context.now() });
  context.out(renderTable(headers, rows));
  return headers.map((header, column) => Math.max(header.length, ...rows.map((row) => row[column]!.length)));
}

function printRow(context: CliContext, options: GetOptions, object: AnyObject, widths: readonly number[]): void {
  const { rows } = objectRows(object.kind, [object], { wide: options.output === 'wide', now: context.now() });
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

/** What apply notes for itself would double the output. */
export function withoutBookkeeping(object: AnyObject): AnyObject {
  const { [LAST_APPLIED_ANNOTATION]: _applied, ...annotations } = object.metadata.annotations ?? {};
  const { annotations: _annotations, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
  };
}
