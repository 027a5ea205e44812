// Rows of files as values: engines may write the same value in several ways. Quotes that CSV does not need, characters that JSON escapes, and the form of a
// DECIMAL (1.50, 1.5, 1E+2) make no difference; NULL and the empty string do, and so does anything else.
import type { Statement } from '../../engine/sql/ast.ts';
import { parseScript } from '../../engine/sql/parse.ts';
import { plain } from './evaluate-expression.ts';
import type { Results } from './job-results.ts';
import { sinksOf } from './jobs.ts';

type CreateTable = Extract<Statement, { kind: 'createTable' }>;

/** `results` in a form in which equal values are equal text. `script` has its places. */
export function comparable(results: Results, script: string, placedScript: string): Results {
  const tables = new Map<string, CreateTable>();
  for (const statement of parseScript(placedScript).statements)
    if (statement.kind === 'createTable') tables.set(statement.name.parts.at(-1)!, statement);
  return Object.fromEntries(
    sinksOf(script).map(({ name, format }) => {
      const lines = results[name] ?? [];
      const table = tables.get(name)!;
      const rows = format === 'csv' ? csvRows(lines, table) : format === 'json' ? jsonRows(lines, table) : lines;
      return [name, [...rows].sort()];
    }),
  );
}

function decimalColumns({ columns }: CreateTable): { name: string; isDecimal: boolean }[] {
  return columns.map((column) => ({
    name: column.name,
    isDecimal: column.kind === 'physical' && column.type.name === 'DECIMAL',
  }));
}

function csvRows(lines: readonly string[], table: CreateTable): string[] {
  const columns = decimalColumns(table);
  const delimiter = table.options.find(({ key }) => key === 'csv.field-delimiter')?.value ?? ',';
  return lines.map((line) =>
    JSON.stringify(
      csvFields(line, delimiter).map((field, i) =>
        field !== null && columns[i]?.isDecimal === true ? plain(field) : field,
      ),
    ),
  );
}

/** A field with nothing in it, not even quotes, is null. */
function csvFields(line: string, delimiter: string): (string | null)[] {
  const fields: (string | null)[] = [];
  let p = 0;
  for (;;) {
    let text: string | null = null;
    if (line[p] === '"') {
      let end = p + 1;
      while (end < line.length && (line[end] !== '"' || line[end + 1] === '"')) end += line[end] === '"' ? 2 : 1;
      text = line.slice(p + 1, end).replaceAll('""', '"');
      p = end + 1;
    }
    const next = line.indexOf(delimiter, p);
    const rest = line.slice(p, next < 0 ? line.length : next);
    fields.push(text === null && rest === '' ? null : (text ?? '') + rest);
    if (next < 0) return fields;
    p = next + 1;
  }
}

type SourceReviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

function jsonRows(lines: readonly string[], table: CreateTable): string[] {
  const decimals = new Set(decimalColumns(table).flatMap(({ name, isDecimal }) => (isDecimal ? [name] : [])));
  const asWritten: SourceReviver = (key, value, context) => {
    if (typeof value !== 'number') return value;
    const source = context?.source ?? String(value);
    return { number: decimals.has(key) ? plain(source) : source };
  };
  return lines.map((line) => JSON.stringify(JSON.parse(line, asWritten)));
}
