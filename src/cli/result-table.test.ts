import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { csvRows, resultTable } from './result-table.ts';

const columns = [
  { name: 'origin', numeric: false },
  { name: 'n', numeric: true },
];
const table = (rows: string[][]): string[] => [...resultTable(columns, rows)].join('\n').split('\n');

test('cells stand under their headers, numbers to the right', () => {
  expect(
    table([
      ['LAX', '115245'],
      ['NULL', '7'],
    ]),
  ).toEqual(['origin        n', 'LAX      115245', 'NULL          7']);
  expect(table([])).toEqual(['origin   n']);
});

test('a cell stays on its line', () => {
  expect(table([['a\nb\tc', '1']])).toEqual(['origin    n', 'a\\nb\\tc   1']);
});

test('a long result keeps the widths of its beginning and loses no row', () => {
  const lines = table(Array.from({ length: 2_500 }, (_, i) => ['x', String(i % 10)]));
  expect(lines).toHaveLength(2_501);
  expect(new Set(lines.slice(1).map((line) => line.length))).toEqual(new Set([10]));
});

test('rows come file by file, with what was in quotes as it was', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowjob-result-'));
  try {
    writeFileSync(join(directory, 'part-j-o-10-1-1.csv'), 'last,\n');
    writeFileSync(join(directory, 'part-j-o-2-1-1.csv'), '"a ""b"", c",1\n"x\ny",NULL\n"",2\n');
    writeFileSync(join(directory, '.part-j-o-3.inprogress.1'), 'no,0\n');
    expect([...csvRows(directory)]).toEqual([
      ['a "b", c', '1'],
      ['x\ny', 'NULL'],
      ['', '2'],
      ['last', ''],
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
  expect([...csvRows(directory)]).toEqual([]);
});
