// The rows of a query as people read them: aligned under a header, numbers to the right. Rows come from the CSV files that the engine wrote.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ResultColumn {
  name: string;
  numeric: boolean;
}

/** Rows that columns are measured by: a long result need not be in memory as a whole. A wider cell further down moves its own row only. */
const MEASURED = 1_000;

/** Gives the table in pieces of whole lines; without rows it is the header alone. */
export function* resultTable(columns: readonly ResultColumn[], rows: Iterable<string[]>): Generator<string> {
  let held: string[][] = [columns.map(({ name }) => oneLine(name))];
  let widths: number[] | null = null;
  const flush = (): string => {
    widths ??= columns.map((_, column) => Math.max(...held.map((row) => row[column]!.length)));
    const text = held.map((row) => line(row, columns, widths!)).join('\n');
    held = [];
    return text;
  };
  for (const row of rows) {
    held.push(row.map(oneLine));
    if (held.length > MEASURED) yield flush();
  }
  if (held.length > 0) yield flush();
}

function line(row: readonly string[], columns: readonly ResultColumn[], widths: readonly number[]): string {
  return row
    .map((cell, i) => (columns[i]!.numeric ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
    .join('   ')
    .trimEnd();
}

const ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const oneLine = (cell: string): string => cell.replace(/[\n\r\t]/g, (character) => ESCAPES[character]!);

/** Rows of all finished files, in the order of their numbers: that of the query where it has an ORDER BY. */
export function* csvRows(directory: string): Generator<string[]> {
  if (!existsSync(directory)) return;
  const files = readdirSync(directory).filter((name) => name.startsWith('part-'));
  for (const file of files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })))
    yield* parseCsv(readFileSync(join(directory, file), 'utf8'));
}

/** A field with what ends it: quoted, with doubled quotes in it, or plain. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|$)/y;

function* parseCsv(text: string): Generator<string[]> {
  let row: string[] = [];
  FIELD.lastIndex = 0;
  for (let at = 0; at < text.length;) {
    FIELD.lastIndex = at;
    const [all, quoted, plain, end] = FIELD.exec(text)!;
    row.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    at += all.length;
    if (end === ',') {
      if (at === text.length) row.push('');
      else continue;
    }
    yield row;
    row = [];
  }
}
