// Tables as kubectl prints them: columns of the CRD, three spaces between, ages in short form.
import { DEFINITIONS, type PrinterColumn } from '../api/crd.ts';
import type { Kind } from '../api/group.ts';
import type { AnyObject } from '../store/port.ts';

/** Rows under headers, each column as wide as its widest cell. No space at the ends of lines. */
export function renderTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, column) => Math.max(header.length, ...rows.map((row) => row[column]!.length)));
  return [headers, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** Headers and rows of objects of one kind, by the printer columns of its CRD. */
export function objectRows(
  kind: Kind,
  objects: readonly AnyObject[],
  options: { wide: boolean; namespaces?: boolean; now: Date },
): { headers: string[]; rows: string[][] } {
  const columns = DEFINITIONS[kind].columns.filter((column) => options.wide || column.priority === undefined);
  return {
    headers: [
      ...(options.namespaces === true ? ['NAMESPACE'] : []),
      'NAME',
      ...columns.map((column) => column.name.toUpperCase()),
    ],
    rows: objects.map((object) => [
      ...(options.namespaces === true ? [object.metadata.namespace] : []),
      object.metadata.name,
      ...columns.map((column) => cell(object, column, options.now)),
    ]),
  };
}

function cell(object: AnyObject, column: PrinterColumn, now: Date): string {
  const value = valueAt(object, column.jsonPath);
  if (column.type === 'date') return typeof value === 'string' ? age(new Date(value), now) : '<unknown>';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** A name, and perhaps a filter on one field of a list's items: the subset of JSONPath that printer columns use. */
const STEP = /\.([A-Za-z]+)(?:\[\?\(@\.([A-Za-z]+)=="([^"]*)"\)\])?/g;

/** The value at a printer column's path; undefined when a part of the way is missing. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const [, name, key, wanted] of path.matchAll(STEP)) {
    value = (value as Record<string, unknown> | null | undefined)?.[name!];
    if (key !== undefined)
      value = Array.isArray(value) ? value.find((item: Record<string, unknown>) => item[key] === wanted) : undefined;
  }
  return value;
}

/** Kubernetes' short form: 45s, 3m20s, 45m, 5h12m, 17h, 3d4h, 21d. */
export function age(from: Date, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - from.getTime()) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const two = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  return `${days}d`;
}
