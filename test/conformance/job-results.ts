// What a job has left in its sinks, as text that can be compared: the lines of files, and of a print sink the rows that remain when its changes are carried out.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printIdentifier, sinksOf } from './jobs.ts';

/** By sink, sorted. */
export type Results = Record<string, string[]>;

/** `printed` are lines of print sinks, perhaps of other jobs too. */
export function resultsOf(script: string, output: string, id: string, printed: readonly string[]): Results {
  return Object.fromEntries(
    sinksOf(script).map(({ name, format }) => [
      name,
      format === 'print' ? materialized(printed, printIdentifier(id, name)) : written(join(output, name), format),
    ]),
  );
}

/** Rows of visible files; of a partitioned table with the folder that they stand in. A line break in quotes is part of its row. */
function written(folder: string, format: string): string[] {
  if (!existsSync(folder)) return [];
  const row = format === 'csv' ? /(?:"(?:[^"]|"")*"|[^"\n])+/g : /.+/g;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^[._]/.test(entry.name))
    .flatMap((entry) => {
      const partition = entry.parentPath.slice(folder.length + 1);
      const rows = readFileSync(join(entry.parentPath, entry.name), 'utf8').match(row) ?? [];
      return rows.map((text) => (partition === '' ? text : `${partition}: ${text}`));
    })
    .sort();
}

const CHANGE = /^(?<identifier>\S+?)(?::\d+)?> (?<kind>[+-][IUD])\[(?<row>.*)\]$/s;

function materialized(lines: readonly string[], identifier: string): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const change = CHANGE.exec(line)?.groups;
    if (change?.['identifier'] !== identifier) continue;
    const row = change['row']!;
    counts.set(row, (counts.get(row) ?? 0) + (/^(-U|-D)$/.test(change['kind']!) ? -1 : 1));
  }
  // Fewer than none would be a row that was taken back and never given.
  return [...counts]
    .flatMap(([row, count]) => (count < 0 ? [`${count} ${row}`] : Array<string>(count).fill(row)))
    .sort();
}
