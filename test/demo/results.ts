// Reads what jobs wrote: the visible part files of a folder, as rows.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from './compare.ts';

/** Part files that readers may see; files in progress begin with a dot. */
export function partFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const visible = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)part-[^/]*$/.test(file),
  );
  return visible.sort().map((file) => join(folder, file));
}

export function readJsonRows(folder: string): Row[] {
  return partFiles(folder).flatMap((file) => lines(file).map((line) => JSON.parse(line) as Row));
}

/** Unquoted CSV without a header, as the examples write it. Numbers become numbers. */
export function readCsvRows(folder: string, columns: string[]): Row[] {
  return partFiles(folder).flatMap((file) =>
    lines(file).map((line) => {
      const cells = line.split(',');
      return Object.fromEntries(columns.map((column, index) => [column, value(cells[index] ?? '')]));
    }),
  );
}

const value = (cell: string): string | number | null =>
  cell === '' ? null : Number.isNaN(Number(cell)) ? cell : Number(cell);

function lines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
