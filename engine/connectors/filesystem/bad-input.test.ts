// Bad rows and broken files: the error names file, line, column, value and reason; or the row is skipped and counted.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { EngineError } from '../../errors.ts';
import { sqlType, type Schema } from '../../plan/types.ts';
import { sourceConnector } from '../registry.ts';
import { readAll, readerContext, tableOf, withDirectory } from '../testing.ts';

const schema: Schema = [
  { name: 'id', type: sqlType.bigint(false) },
  { name: 'price', type: sqlType.decimal(6, 2) },
  { name: 'at', type: sqlType.timestamp(3) },
  { name: 'name', type: sqlType.string() },
];

async function read(
  format: 'csv' | 'json',
  text: string,
  options: Record<string, string> = {},
): Promise<{ rows: unknown[][]; invalid: number }> {
  return withDirectory(async (directory) => {
    const path = join(directory, `data.${format}`);
    writeFileSync(path, text);
    const table = tableOf(schema, { path, format, ...options });
    let invalid = 0;
    const source = sourceConnector(table);
    const count = (metric: string, delta: number): void => {
      if (metric === 'numInvalidRecords') invalid += delta;
    };
    const reader = source.createReader(readerContext(table, { count }));
    const rows = readAll(reader, await source.discoverSplits(table));
    return { rows, invalid };
  });
}

const good = '1,9.50,2026-11-22 14:17:44.123,a\n';
const goodRow = [1n, 950n, Date.parse('2026-11-22T14:17:44.123Z'), 'a'];

test.each([
  ['a letter in a number', 'x1,1,,b', /data\.csv, line 2: column id: 'x1': is not a whole number/],
  [
    'a number too large',
    '9223372036854775808,1,,b',
    /column id: '9223372036854775808': is outside the range of BIGINT/,
  ],
  ['no value for a column that needs one', ',1,,b', /column id: '': is empty/],
  ['too many digits', '1,12345.00,,b', /column price: '12345.00': has more digits than DECIMAL\(6, 2\)/],
  ['no such day', '1,1,2026-02-30 00:00:00,b', /column at: .* is not a day of the calendar/],
  ['no such time', '1,1,2026-02-03 24:00:00,b', /column at: .* is not a time/],
  ['a field too few', '1,1,2026-02-03 00:00:00', /line 2: row .* it has 3 fields, the table 4 columns/],
  ['a field too many', '1,1,2026-02-03 00:00:00,b,c', /line 2: row .* it has 5 fields, the table 4 columns/],
  ['a quote that does not end', '1,1,,"b', /column name: '"b': its closing quote is missing/],
])('CSV with %s fails with file, line and reason', async (_what, line, message) => {
  await expect(read('csv', `${good}${line}\n${line.includes('"') ? '' : good}`)).rejects.toThrow(message);
  await expect(read('csv', good + line)).rejects.toMatchObject({ code: 'CSV_BAD_ROW', position: { line: 2 } });
});

test('CSV with ignore-parse-errors reads bad and missing fields as NULL, skips rows that may not be NULL or have too many, and counts', async () => {
  const text = `${good}2,oops,2026-13-01 00:00:00,b\nx,1,,c\n3\n4,1,,d,e\n`;
  const { rows, invalid } = await read('csv', text, { 'csv.ignore-parse-errors': 'true' });
  expect(rows).toEqual([goodRow, [2n, null, null, 'b'], [3n, null, null, null]]);
  expect(invalid).toBe(4);
});

test('CSV comments, header, blank lines, carriage returns and spanning quotes', async () => {
  const text = 'id,price,at,name\r\n\r\n# no\n1,1,2026-02-03T00:00:00,"a\r\n""b"","\r\n+2, 1.005 ,,c';
  const { rows } = await read('csv', text, { 'csv.header': 'true', 'csv.allow-comments': 'true' });
  expect(rows).toEqual([
    [1n, 100n, Date.parse('2026-02-03T00:00:00Z'), 'a\r\n"b",'],
    [2n, 101n, null, 'c'],
  ]);
});

const object = '{"id":1,"price":9.50,"at":"2026-11-22 14:17:44.123","name":"a"}';

test.each([
  ['no JSON', '{"id":1,', /data\.json, line 2: row .* it is not JSON/],
  ['no object', '[1]', /it is not a JSON object/],
  ['a fraction for a BIGINT', '{"id":1.5}', /field id: '1.5': is not a whole number/],
  ['an object for a number', '{"id":{}}', /field id: '\{\}': an object or array is no BIGINT/],
  ['NULL for NOT NULL', '{"id":null}', /field id: 'null': the column is NOT NULL/],
  ['NOT NULL missing', '{}', /the field is missing and the column is NOT NULL/],
  ['a raw control character', '{"id":1,"name":"a\tb"}', /it is not JSON/],
])('JSON with %s fails with file, line and reason, or is skipped', async (_what, line, message) => {
  await expect(read('json', `${object}\n${line}\n${object}\n`)).rejects.toThrow(message);
  await expect(read('json', `${object}\n${line}`)).rejects.toMatchObject({
    code: 'JSON_BAD_ROW',
    position: { line: 2 },
  });
  const answer = await read('json', `${object}\n${line}\n${object}`, { 'json.ignore-parse-errors': 'true' });
  expect(answer).toEqual({ rows: [goodRow, goodRow], invalid: 1 });
});

test.each([
  ['an ISO timestamp where SQL is said', '"at":"2026-11-22T14:17:44"', /field at: .* is not a timestamp of the form/],
  ['text for a number', '"price":"much"', /field price: 'much': is not a number/],
  ['an object for a number', '"price":{"a":1}', /an object or array is no DECIMAL/],
])('JSON with %s fails, or has NULL there', async (_what, field, message) => {
  const line = `{${field},"id":2,"name":"b"}`;
  await expect(read('json', `${object}\n${line}\n${object}\n`)).rejects.toThrow(message);
  const answer = await read('json', `${object}\n${line}\n${object}`, { 'json.ignore-parse-errors': 'true' });
  expect(answer).toEqual({ rows: [goodRow, [2n, null, null, 'b'], goodRow], invalid: 1 });
});

test('JSON: any order of keys, last duplicate wins, numbers as strings, escapes, digits beyond doubles', async () => {
  const lines = [
    object,
    '{"name":"\\u00e9\\n","id":"7","extra":{"id":[1,"}"]},"price":"0.5"}',
    '{"id":1,"id":9223372036854775807,"price":1e2}',
    object,
    '{"id":1,"id":2,"price":1e2}',
    '',
    '  ',
  ];
  const { rows } = await read('json', lines.join('\n'));
  expect(rows).toEqual([
    goodRow,
    [7n, 50n, null, 'é\n'],
    [9223372036854775807n, 10000n, null, null],
    goodRow,
    [2n, 10000n, null, null],
  ]);
  await expect(read('json', '{"id":1}', { 'json.fail-on-missing-field': 'true' })).rejects.toThrow(
    /the field is missing/,
  );
});

const flights = join(__dirname, '../../../node_modules/vega-datasets/data/flights-3m.parquet');
const flightsSchema: Schema = [
  { name: 'date', type: sqlType.timestamp(3) },
  { name: 'delay', type: sqlType.bigint() },
  { name: 'origin', type: sqlType.string() },
];

test('Parquet: a restored reader goes on with the same rows, and projections agree', async () => {
  const table = tableOf(flightsSchema, { path: flights, format: 'parquet' });
  const source = sourceConnector(table);
  const [split] = await source.discoverSplits(table);
  const first = source.createReader(readerContext(table));
  first.addSplit(split!);
  first.poll();
  const snapshot = first.snapshot();
  expect(snapshot[0]!.position).toMatchObject({ group: 0, row: 8192 });
  const expected = first.poll()!;
  first.close();
  const restored = source.createReader(readerContext(table, { projection: [2, 1] }));
  restored.addSplit(snapshot[0]!);
  const batch = restored.poll()!;
  restored.close();
  expect(batch.rows).toBe(expected.rows);
  expect(batch.columns[1]).toEqual(expected.columns[1]);
  expect(batch.columns[0]).toEqual(expected.columns[2]);
});

test('Parquet: broken files and wrong declarations give errors that name file and column', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'broken.parquet');
    const table = tableOf(flightsSchema, { path, format: 'parquet' });
    const source = sourceConnector(table);
    const bytes = readFileSync(flights);
    writeFileSync(path, bytes.subarray(0, 5000));
    await expect(source.discoverSplits(table)).rejects.toMatchObject({
      code: 'PARQUET_CORRUPT',
      position: { file: path },
    });
    const damaged = Buffer.from(bytes);
    damaged.fill(0x5a, 2000, 200_000);
    writeFileSync(path, damaged);
    const splits = await source.discoverSplits(table);
    expect(() => readAll(source.createReader(readerContext(table)), splits.slice(0, 1))).toThrow(
      /broken\.parquet, row group 0, column \w+, at or behind row \d+/,
    );
    const wrong = tableOf([{ name: 'origin', type: sqlType.int() }], { path, format: 'parquet' });
    await expect(source.discoverSplits(wrong)).rejects.toThrow(
      /column origin is BYTE_ARRAY \(STRING\), declared as INT/,
    );
    const missing = tableOf([{ name: 'orign', type: sqlType.string() }], { path, format: 'parquet' });
    const error = (await source.discoverSplits(missing).catch((caught: unknown) => caught)) as EngineError;
    expect([error.message, error.hint]).toEqual([
      `table t: ${basename(path)} has no column orign`,
      'did you mean origin?',
    ]);
  });
});
