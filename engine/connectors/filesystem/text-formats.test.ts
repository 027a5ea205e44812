// CSV and JSON lines: what is written reads back equal whatever the chunks, splits and restores; and agreement with JSON.parse and DuckDB.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { ByteBuffer } from '../../codegen/encode-values.ts';
import { fromRows, toRows, type CellValue } from '../../columnar/batch.ts';
import { sqlType } from '../../plan/types.ts';
import { readAll, readerContext, tableOf, tables, withDirectory } from '../testing.ts';
import { sourceConnector } from '../registry.ts';
import { rowEncoder } from './sink.ts';
import { filesystemTable } from './table.ts';
import { TextReader } from './text-reader.ts';

/** Reads `file` as the splits cut at `cuts`, with small chunks, going on with a new reader after every `stopAfter` batches. */
function readInPieces(
  table: ReturnType<typeof tableOf>,
  file: string,
  cuts: number[],
  chunk: number,
  limit: number,
  stopAfter: number,
): CellValue[][] {
  const size = readFileSync(file).length;
  const bounds = [0, ...cuts.map((cut) => cut % (size + 1)).sort((a, b) => a - b), size];
  const rows: CellValue[][] = [];
  for (let index = 0; index + 1 < bounds.length; index++) {
    const [start, end] = [bounds[index]!, bounds[index + 1]!];
    if (start === end) continue;
    let position: Record<string, unknown> = { file, start, end, offset: start };
    for (let finished = false; !finished;) {
      const reader = new TextReader(readerContext(table), filesystemTable(table), chunk);
      reader.open(position);
      for (let batches = 0; batches < stopAfter; batches++) {
        const batch = reader.next(limit);
        if (batch === null) {
          finished = true;
          break;
        }
        for (const row of toRows(batch)) rows.push(row);
      }
      position = { ...position, ...reader.position() };
      reader.close();
    }
  }
  return rows;
}

const pieces = fc.record({
  cuts: fc.array(fc.nat(100_000), { maxLength: 4 }),
  chunk: fc.integer({ min: 200, max: 3000 }),
  limit: fc.integer({ min: 3, max: 40 }),
  stopAfter: fc.integer({ min: 1, max: 30 }),
});

test('rows written as JSON lines read back equal, at any split, chunk and restore', async () => {
  await withDirectory((directory) =>
    fc.assert(
      fc.property(tables(), pieces, ({ schema, rows }, { cuts, chunk, limit, stopAfter }) => {
        const file = join(directory, 'rows.json');
        const table = tableOf(schema, { path: file, format: 'json' });
        const out = new ByteBuffer();
        rowEncoder(schema, filesystemTable(table))(fromRows(schema, rows), out);
        writeFileSync(file, out.bytes.subarray(0, out.length));
        for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) if (line !== '') JSON.parse(line);
        expect(readInPieces(table, file, cuts, chunk, limit, stopAfter)).toEqual(toRows(fromRows(schema, rows)));
      }),
      { numRuns: 60 },
    ),
  );
});

test('rows written as CSV read back equal, at any chunk and restore', async () => {
  await withDirectory((directory) =>
    fc.assert(
      fc.property(tables(), pieces, fc.constantFrom(',', ';', '\t'), ({ schema, rows }, how, delimiter) => {
        const file = join(directory, 'rows.csv');
        const table = tableOf(schema, {
          path: file,
          format: 'csv',
          'csv.null-literal': 'NULL',
          'csv.field-delimiter': delimiter,
        });
        const out = new ByteBuffer();
        rowEncoder(schema, filesystemTable(table))(fromRows(schema, rows), out);
        writeFileSync(file, out.bytes.subarray(0, out.length));
        expect(readInPieces(table, file, [], how.chunk, how.limit, how.stopAfter)).toEqual(
          toRows(fromRows(schema, rows)),
        );
      }),
      { numRuns: 60 },
    ),
  );
});

test('lines of unquoted CSV read once each, wherever the splits are cut', async () => {
  await withDirectory((directory) =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 200 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        pieces,
        (numbers, newline, ended, how) => {
          const file = join(directory, 'lines.csv');
          const schema = [
            { name: 'n', type: sqlType.int() },
            { name: 's', type: sqlType.string() },
          ];
          const table = tableOf(schema, { path: file, format: 'csv', 'csv.disable-quote-character': 'true' });
          writeFileSync(file, numbers.map((n) => `${n},"x${n}`).join(newline) + (ended ? newline : ''));
          const expected = numbers.map((n) => [n, `"x${n}`]);
          expect(readInPieces(table, file, how.cuts, how.chunk, how.limit, how.stopAfter)).toEqual(expected);
        },
      ),
    ),
  );
});

test('projected fields of any JSON object are what JSON.parse says', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'é"', 'k\\n');
  const value = fc.oneof(
    fc.integer(),
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constant(null),
    fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
  );
  const object = fc.array(fc.tuple(key, value), { maxLength: 7 });
  const layout = fc.constantFrom(['', ''], [' ', ''], ['', ' '], ['\t', '  ']);
  await withDirectory((directory) =>
    fc.assert(
      fc.property(fc.array(fc.tuple(object, layout), { minLength: 1, maxLength: 40 }), (objects) => {
        const lines = objects.map(([entries, [before, behind]]) => {
          const members = entries.map(
            ([k, v]) => `${before}${JSON.stringify(k)}${behind}:${before}${JSON.stringify(v)}${behind}`,
          );
          return `${before}{${members.join(',')}}${behind}`;
        });
        const file = join(directory, 'objects.json');
        writeFileSync(file, lines.join('\n'));
        const table = tableOf(
          ['a', 'c', 'é"'].map((name) => ({ name, type: sqlType.string() })),
          { path: file, format: 'json' },
        );
        const expected = lines.map((line) => {
          const parsed = JSON.parse(line) as Record<string, unknown>;
          return ['a', 'c', 'é"'].map((name) => {
            const found = Object.hasOwn(parsed, name) ? parsed[name] : null;
            if (found === null || typeof found === 'string') return found;
            return typeof found === 'number' ? String(found) : JSON.stringify(found);
          });
        });
        const rows = readInPieces(table, file, [], 4096, 7, 3);
        // Numbers keep the digits of their source text, which here is that of JSON.stringify. Lone surrogates become U+FFFD in UTF-8.
        expect(rows).toEqual(expected.map((row) => row.map((cell) => cell?.toWellFormed() ?? null)));
      }),
      { numRuns: 80 },
    ),
  );
});

test('CSV reads as DuckDB reads it', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'data.csv');
    const field = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', ',', '"', '\n', ' ', 'ü') }),
      fc.constant('plain'),
    );
    const rows = fc.sample(fc.tuple(fc.integer(), field, fc.double({ noNaN: true, noDefaultInfinity: true })), {
      seed: 7,
      numRuns: 500,
    });
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    writeFileSync(
      file,
      rows.map(([n, s, d], index) => `${n},${index % 3 === 0 && /^[a-z]+$/.test(s) ? s : quoted(s)},${d}`).join('\n'),
    );
    const schema = [
      { name: 'n', type: sqlType.int() },
      { name: 's', type: sqlType.string() },
      { name: 'd', type: sqlType.double() },
    ];
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const answer = await connection.runAndReadAll(
      `SELECT * FROM read_csv('${file}', header = false, auto_detect = false, delim = ',', quote = '"', escape = '"', nullstr = '\\N',
       columns = {'n': 'INTEGER', 's': 'VARCHAR', 'd': 'DOUBLE'})`,
    );
    connection.closeSync();
    const table = tableOf(schema, { path: file, format: 'csv' });
    expect(readInPieces(table, file, [], 1000, 100, 2)).toEqual(answer.getRows());
  });
});

test('a directory reads file by file in the order of names, without hidden ones', async () => {
  await withDirectory(async (directory) => {
    mkdirSync(join(directory, 'b'));
    mkdirSync(join(directory, '_tmp'));
    writeFileSync(join(directory, 'c.csv'), '3\n');
    writeFileSync(join(directory, 'a.csv'), '1\n');
    writeFileSync(join(directory, 'b', 'x.csv'), '2');
    writeFileSync(join(directory, '.part.inprogress'), 'no\n');
    writeFileSync(join(directory, '_tmp', 'y.csv'), 'no\n');
    const table = tableOf([{ name: 'n', type: sqlType.int() }], { path: `file://${directory}`, format: 'csv' });
    const source = sourceConnector(table);
    const splits = await source.discoverSplits(table);
    expect(splits.map((split) => split.ordinal)).toEqual([0, 1, 2]);
    expect(readAll(source.createReader(readerContext(table)), splits)).toEqual([[1], [2], [3]]);
  });
});
