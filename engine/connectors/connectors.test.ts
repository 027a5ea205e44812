// Options, datagen, print, and replay by the clock.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromRows, toRows } from '../columnar/batch.ts';
import type { EngineError } from '../errors.ts';
import { sqlType, type Schema } from '../plan/types.ts';
import { sinkConnector, sourceConnector } from './registry.ts';
import { readAll, readerContext, tableOf, withDirectory, writerContext } from './testing.ts';

const schema: Schema = [
  { name: 'n', type: sqlType.bigint() },
  { name: 's', type: sqlType.string() },
];

test.each([
  [{ format: 'csv' }, 'OPTION_MISSING', /table t: .*needs the option 'path'/, /add 'path'/],
  [{ path: 'x', format: 'cvs' }, 'OPTION_INVALID', /option 'format' = 'cvs' is not supported/, /did you mean 'csv'/],
  [
    { path: 'x', format: 'csv', 'csv.ignore-parse-error': 'true' },
    'OPTION_UNKNOWN',
    /no option 'csv.ignore-parse-error'/,
    /did you mean 'csv.ignore-parse-errors'/,
  ],
  [
    { path: 'x', format: 'csv', 'csv.field-delimiter': '||' },
    'OPTION_INVALID',
    /'\|\|' is not one ASCII character/,
    /write one character/,
  ],
  [
    { path: 'x', format: 'csv', 'csv.header': 'yes' },
    'OPTION_INVALID',
    /'yes' is neither true nor false/,
    /'true' or 'false'/,
  ],
  [{ path: 'x', format: 'json', 'csv.header': 'true' }, 'OPTION_INVALID', /belongs to the format csv/, /remove/],
  [{ path: 's3://b/x', format: 'json' }, 'OPTION_INVALID', /file system that is not supported/, /local path/],
  [{ path: 'x', format: 'json', 'replay.rate': 'fast' }, 'OPTION_INVALID', /'fast' is not a number/, /digits/],
  [
    { path: 'x', format: 'json', 'replay.on-end': 'wait' },
    'OPTION_INVALID',
    /no effect without 'replay.rate'/,
    /replay.rate/,
  ],
  [{ connector: 'filesytem' }, 'CONNECTOR_UNKNOWN', /no connector 'filesytem'/, /did you mean 'filesystem'/],
  [{ connector: 'print' }, 'CONNECTOR_UNKNOWN', /'print' cannot be read/, /filesystem/],
  [
    { connector: 'datagen', 'fields.n.knd': 'random' },
    'OPTION_UNKNOWN',
    /fields.n.knd/,
    /did you mean 'fields.n.kind'/,
  ],
  [{ connector: 'datagen', 'fields.n.kind': 'sequence' }, 'OPTION_MISSING', /sequence of column n/, /fields.n.start/],
  [
    { connector: 'datagen', 'fields.n.min': '5', 'fields.n.max': '1' },
    'OPTION_INVALID',
    /greater than 'fields.n.max'/,
    /exchange/,
  ],
])('%j is refused with its remedy', (options, code, message, hint) => {
  const table = tableOf(schema, options);
  let error: EngineError | undefined;
  try {
    sourceConnector(table).describe(table);
  } catch (caught) {
    error = caught as EngineError;
  }
  expect(error?.code).toBe(code);
  expect(error?.message).toMatch(message);
  expect(error?.hint).toMatch(hint);
});

test('datagen makes the same rows again, over all splits and from any position', async () => {
  const table = tableOf([...schema, { name: 'q', type: sqlType.bigint() }], {
    connector: 'datagen',
    'number-of-rows': '1000',
    'rows-per-second': '1000000000',
    seed: '42',
    'fields.n.min': '-5',
    'fields.n.max': '5',
    'fields.s.length': '9',
    'fields.q.kind': 'sequence',
    'fields.q.start': '10',
    'fields.q.end': '909',
  });
  const source = sourceConnector(table);
  expect(source.describe(table).boundedness).toBe('BOUNDED');
  let now = 0;
  const context = readerContext(table, { monotonic: () => (now += 1) });
  const read = async (): Promise<unknown[][]> =>
    readAll(source.createReader(context), await source.discoverSplits(table));
  const rows = await read();
  expect(rows.map((row) => row[2])).toEqual(Array.from({ length: 900 }, (_, index) => BigInt(10 + index)));
  expect(new Set(rows.map((row) => row[0])).size).toBe(11);
  expect(rows.every((row) => /^[0-9a-f]{9}$/.test(String(row[1])))).toBe(true);
  expect(await read()).toEqual(rows);
});

test('a replay gives rows by the clock, in order, and goes on after a restore without catching up', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'rows.json');
    writeFileSync(path, Array.from({ length: 1000 }, (_, n) => `{"n":${n}}\n`).join(''));
    const table = tableOf(schema, { path, format: 'json', 'replay.rate': '1000', 'replay.on-end': 'wait' });
    const source = sourceConnector(table);
    expect(source.describe(table)).toEqual({ boundedness: 'UNBOUNDED', maxParallelism: 1 });
    let now = 5000;
    let reader = source.createReader(readerContext(table, { monotonic: () => now }));
    const drain = (): unknown[] => {
      const values: unknown[] = [];
      for (let batch = reader.poll(); batch !== null; batch = reader.poll())
        values.push(...toRows(batch).map((row) => row[0]));
      return values;
    };
    const range = (from: number, to: number): bigint[] => Array.from({ length: to - from }, (_, n) => BigInt(from + n));
    for (const split of await source.discoverSplits(table)) reader.addSplit(split);
    expect(drain()).toEqual([]);
    now += 100;
    expect(drain()).toEqual(range(0, 100));
    const snapshot = reader.snapshot();
    reader.close();
    now += 60_000;
    reader = source.createReader(readerContext(table, { monotonic: () => now }));
    for (const split of snapshot) reader.addSplit(split);
    expect(drain()).toEqual([]);
    now += 500;
    expect(drain()).toEqual(range(100, 600));
    now += 10_000;
    expect(drain()).toEqual(range(600, 1000));
    expect([reader.needsSplit(), reader.snapshot()]).toMatchObject([false, [{ position: { last: true } }]]);
    reader.close();
  });
});

test('a replay wakes its task when the next rows are due', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'rows.json');
    writeFileSync(path, '{"n":1}\n');
    const table = tableOf(schema, { path, format: 'json', 'replay.rate': '100' });
    const source = sourceConnector(table);
    const splits = await source.discoverSplits(table);
    await new Promise<void>((resolve) => {
      const reader = source.createReader(readerContext(table, { now: Date.now, wake: resolve }));
      for (const split of splits) reader.addSplit(split);
      expect(reader.poll()).toBeNull();
    });
  });
});

test('print writes changes as Flink does', () => {
  const columns: Schema = [...schema, { name: 'd', type: sqlType.double() }, { name: 't', type: sqlType.timestamp(3) }];
  const table = tableOf(columns, { connector: 'print', 'print-identifier': 'out' });
  const lines: string[] = [];
  const sink = sinkConnector(table);
  sink.describe(table, true);
  const writer = sink.createWriter(
    writerContext(table, { parallelism: 2, subtask: 1, print: (line) => lines.push(line) }),
  );
  const rows = fromRows(
    columns,
    [
      [1n, 'a', 1, 0],
      [null, null, 1e7, 61_500],
    ],
    Uint8Array.of(0, 3),
  );
  writer.write(rows);
  expect(lines).toEqual([
    'out:2> +I[1, a, 1.0, 1970-01-01T00:00]',
    'out:2> -D[null, null, 1.0E7, 1970-01-01T00:01:01.500]',
  ]);
});
