// Positions of sources in checkpoints and savepoints: they move with the data, and are refused where they no longer fit.
import { cpSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toRows } from '../../columnar/batch.ts';
import { EngineError } from '../../errors.ts';
import { sqlType, type Schema } from '../../plan/types.ts';
import type { SourceSplit } from '../connector.ts';
import { datagenSource } from '../datagen.ts';
import { readAll, readerContext, tableOf, withDirectory } from '../testing.ts';
import { filesystemSource } from './source.ts';

const schema: Schema = [{ name: 'n', type: sqlType.int() }];

async function refusal(work: Promise<void>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'SOURCE_CHANGED') return error.message;
    throw error;
  }
  return 'accepted';
}

/** Three files of ten rows below `directory`, one of them in a folder of its own; read in part. */
async function readInPart(directory: string): Promise<{ splits: SourceSplit[]; rows: unknown[][] }> {
  mkdirSync(join(directory, 'sub'), { recursive: true });
  for (let file = 0; file < 3; file++)
    writeFileSync(
      join(directory, file === 2 ? 'sub/c.csv' : `${'ab'[file]}.csv`),
      Array.from({ length: 10 }, (_, i) => `${file * 10 + i}\n`).join(''),
    );
  const table = tableOf(schema, { path: directory, format: 'csv', 'replay.rate': '1000' });
  const discovered = await filesystemSource.discoverSplits(table);
  let now = 0;
  const reader = filesystemSource.createReader(readerContext(table, { monotonic: () => now }));
  for (const split of discovered) reader.addSplit(split);
  reader.poll();
  now = 20;
  const batch = reader.poll()!;
  reader.close();
  return { splits: reader.snapshot(), rows: toRows(batch) };
}

test('a source goes on where its files are now', async () => {
  await withDirectory(async (directory) => {
    const { splits, rows } = await readInPart(join(directory, 'here'));
    expect(JSON.stringify(splits)).not.toContain(directory);
    const moved = join(directory, 'there');
    cpSync(join(directory, 'here'), moved, { recursive: true });
    rmSync(join(directory, 'here'), { recursive: true });
    const table = tableOf(schema, { path: moved, format: 'csv' });
    await filesystemSource.checkSplits(table, splits);
    const rest = readAll(filesystemSource.createReader(readerContext(table)), splits);
    expect(rows.length).toBeGreaterThan(0);
    expect([...rows, ...rest].map(([n]) => n)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });
});

test('a table whose path is a file goes on with another file of that content', async () => {
  await withDirectory(async (directory) => {
    writeFileSync(join(directory, 'one.csv'), '1\n2\n');
    const splits = await filesystemSource.discoverSplits(
      tableOf(schema, { path: join(directory, 'one.csv'), format: 'csv' }),
    );
    cpSync(join(directory, 'one.csv'), join(directory, 'two.csv'));
    const table = tableOf(schema, { path: join(directory, 'two.csv'), format: 'csv' });
    await filesystemSource.checkSplits(table, splits);
    expect(readAll(filesystemSource.createReader(readerContext(table)), splits)).toEqual([[1], [2]]);
  });
});

test('positions of version 1, with absolute paths and no format, are read on from', async () => {
  await withDirectory(async (directory) => {
    const { splits, rows } = await readInPart(directory);
    const old = splits.map((split) => {
      const { format: _format, file, ...position } = split.position;
      return { ...split, position: { ...position, file: join(directory, String(file)) } };
    });
    const table = tableOf(schema, { path: directory, format: 'csv' });
    await filesystemSource.checkSplits(table, old);
    expect(rows.length + readAll(filesystemSource.createReader(readerContext(table)), old).length).toBe(30);
  });
});

test('positions that do not fit the table any more are refused, with the table and what changed', async () => {
  await withDirectory(async (directory) => {
    const { splits } = await readInPart(directory);
    const csv = tableOf(schema, { path: directory, format: 'csv' });
    const json = tableOf(schema, { path: directory, format: 'json' });
    const parquet = tableOf(schema, { path: directory, format: 'parquet' });
    const elsewhere = tableOf(schema, { path: join(directory, 'sub'), format: 'csv' });
    const rows = await datagenSource.discoverSplits(tableOf(schema, { connector: 'datagen', 'number-of-rows': '5' }));
    const endless = tableOf(schema, { connector: 'datagen' });
    const { checkSplits } = filesystemSource;
    expect(await refusal(checkSplits(json, splits))).toMatch(/table t .* in csv files, the table's format is json/);
    expect(await refusal(checkSplits(parquet, splits))).toMatch(/in csv files, the table's format is parquet/);
    expect(await refusal(checkSplits(elsewhere, splits))).toMatch(/sub\/a\.csv, .* does not exist/);
    expect(await refusal(checkSplits(csv, rows))).toMatch(/in something that is no file/);
    expect(await refusal(datagenSource.checkSplits(endless, splits))).toMatch(/not numbers of rows/);
    expect(await refusal(datagenSource.checkSplits(endless, rows))).toMatch(/had an end, and now has none/);
    truncateSync(join(directory, 'b.csv'), 29);
    expect(await refusal(checkSplits(csv, splits))).toMatch(/b\.csv has 29 bytes; when it was read it had 30/);
  });
});
