// How much of its files a source has still to read.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqlType } from '../../plan/types.ts';
import { sourceConnector } from '../registry.ts';
import { readerContext, tableOf, withDirectory } from '../testing.ts';

const schema = [{ name: 'n', type: sqlType.bigint() }];

test('what is left of a text falls to nothing as it is read, and what has been read tells how long a row is', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'rows.csv');
    writeFileSync(path, '1234567\n'.repeat(50_000));
    const table = tableOf(schema, { path, format: 'csv' });
    const source = sourceConnector(table);
    const [split] = await source.discoverSplits(table);
    expect(source.sizeOf(split!)).toEqual({ bytes: 400_000 });
    const reader = source.createReader(readerContext(table));
    expect(reader.backlog()).toEqual({ unread: { rows: 0, bytes: 0 }, due: null, read: { rows: 0, bytes: 0 } });
    reader.addSplit(split!);
    expect(reader.backlog()).toMatchObject({ unread: { bytes: 400_000 }, read: { rows: 0, bytes: 0 } });
    let rows = 0;
    for (let batch = reader.poll(); batch !== null; batch = reader.poll()) {
      rows += batch.rows;
      const bytes = rows * 8;
      expect(reader.backlog()).toMatchObject({ unread: { bytes: 400_000 - bytes }, read: { rows, bytes } });
    }
    expect(reader.backlog()).toEqual({
      unread: { rows: 0, bytes: 0 },
      due: null,
      read: { rows: 50_000, bytes: 400_000 },
    });
  });
});

test('a restored reader has pending what is behind its position', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'rows.csv');
    writeFileSync(path, '1234567\n'.repeat(50_000));
    const table = tableOf(schema, { path, format: 'csv' });
    const source = sourceConnector(table);
    const first = source.createReader(readerContext(table));
    for (const split of await source.discoverSplits(table)) first.addSplit(split);
    const { rows } = first.poll()!;
    const [restored] = first.snapshot();
    expect(source.sizeOf(restored!)).toEqual({ bytes: 400_000 - rows * 8 });
  });
});

test('a row group has its rows pending, one in an older checkpoint an unknown number', () => {
  const { sizeOf } = sourceConnector(tableOf(schema, { path: 'x', format: 'parquet' }));
  const split = (position: Record<string, unknown>) => ({ id: 's', ordinal: 0, group: 'f', position });
  expect(sizeOf(split({ file: 'a', group: 1, row: 20, rows: 100 }))).toEqual({ rows: 80 });
  expect(sizeOf(split({ file: 'a', group: 1, row: 20 }))).toBeNull();
});

test('a replay has pending what its rate has made due, and nothing behind its last row', async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, 'rows.csv');
    writeFileSync(path, '1\n'.repeat(1000));
    const table = tableOf(schema, { path, format: 'csv', 'replay.rate': '100', 'replay.on-end': 'wait' });
    const source = sourceConnector(table);
    let now = 0;
    const reader = source.createReader(readerContext(table, { monotonic: () => now }));
    for (const split of await source.discoverSplits(table)) reader.addSplit(split);
    reader.poll();
    now = 2_000;
    expect(reader.backlog().due).toBe(200);
    reader.poll();
    expect(reader.backlog().due).toBe(0);
    now = 60_000;
    while (reader.poll() !== null);
    now = 90_000;
    expect(reader.backlog().due).toBe(0);
    reader.close();
  });
});
