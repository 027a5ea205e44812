// The exactly-once file sink: nothing is visible before commit, committing again changes nothing, leftovers go by epoch.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromRows } from '../../columnar/batch.ts';
import { sqlType, type Schema } from '../../plan/types.ts';
import { LocalFileSystem } from '../../storage/local-file-system.ts';
import { committerFor, connectorsOn, sinkConnector } from '../registry.ts';
import { tableOf, withDirectory, writerContext } from '../testing.ts';

const schema: Schema = [
  { name: 'k', type: sqlType.string() },
  { name: 'n', type: sqlType.bigint() },
];
const visible = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .sort();
const batch = (rows: [string, bigint | null][]) => fromRows(schema, rows);

test('files appear at commit, whole, under deterministic names; committing again is harmless', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'csv' });
    const writer = sinkConnector(table).createWriter(writerContext(table, { subtask: 2, attemptTag: '3' }));
    writer.write(batch([['a,b', 1n]]));
    writer.write(batch([['c', null]]));
    const prepared = writer.prepareCommit(7);
    writer.write(batch([['next', 2n]]));
    const committables = await prepared;
    expect(visible(directory)).toEqual([]);
    const committer = committerFor('filesystem');
    await committer.commit(committer.place(table), committables);
    await committer.commit(committer.place(table), committables);
    expect(visible(directory)).toEqual(['part-job-1-01234567-2-3-7.csv']);
    expect(readFileSync(join(directory, 'part-job-1-01234567-2-3-7.csv'), 'utf8')).toBe('"a,b",1\nc,\n');
    expect(committables).toMatchObject([
      { operatorId: writerContext(table).operatorId, payload: { rows: 2, bytes: 11 } },
    ]);
    expect(JSON.stringify(committables)).not.toContain(directory);
    await committer.commit(directory, await writer.prepareCommit(8));
    expect(await writer.prepareCommit(9)).toEqual([]);
    expect(visible(directory)).toHaveLength(2);
  });
});

test('a committable whose rows are gone is an error that names the file, and no file is replaced', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json' });
    const writer = sinkConnector(table).createWriter(writerContext(table));
    const committer = committerFor('filesystem');
    writer.write(batch([['a', 1n]]));
    const [committable] = await writer.prepareCommit(1);
    writeFileSync(join(directory, String(committable!.payload['to'])), 'other');
    await expect(committer.commit(directory, [committable!])).rejects.toMatchObject({ code: 'SINK_CONFLICT' });
    rmSync(join(directory, String(committable!.payload['to'])));
    rmSync(join(directory, String(committable!.payload['from'])));
    await expect(committer.commit(directory, [committable!])).rejects.toMatchObject({ code: 'SINK_LOST' });
  });
});

test('a committable that is no name in the folder is refused', async () => {
  const { commit } = committerFor('filesystem');
  for (const payload of [{}, { from: '.a' }, { from: '../a', to: 'a' }, { from: '.a', to: '/a' }])
    await expect(commit('/data', [{ connector: 'filesystem', operatorId: 'sink', payload }])).rejects.toMatchObject({
      code: 'COMMITTABLE_INVALID',
    });
});

test('a folder holds a committable before it is visible and after, and is empty when it is gone', async () => {
  await withDirectory(async (directory) => {
    const out = join(directory, 'out');
    const table = tableOf(schema, { path: out, format: 'json' });
    const committer = committerFor('filesystem');
    const writer = sinkConnector(table).createWriter(writerContext(table));
    writer.write(batch([['a', 1n]]));
    const [committable] = await writer.prepareCommit(1);
    expect(await committer.holds(out, committable!)).toBe(true);
    await committer.commit(out, [committable!]);
    expect(await committer.holds(out, committable!)).toBe(true);
    expect(await committer.holds(directory, committable!)).toBe(false);
    expect(await committer.isEmpty(out)).toBe(false);
    rmSync(out, { recursive: true });
    expect(await committer.holds(out, committable!)).toBe(false);
    expect(await committer.isEmpty(out)).toBe(true);
  });
});

test('cleanUp removes what earlier attempts and earlier executions of the same job left, and nothing else', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json' });
    const sink = sinkConnector(table);
    for (const [jobKey, attemptTag, attempt] of [
      ['job-1', '1', 7],
      ['job-1', '2', 0],
      ['job-1', '2.1', 2],
      ['job-1', '2.1', 3],
      ['job-1', '2.2', 0],
      ['job-1', '10', 0],
      ['job', '1', 0],
      ['job-1-x', '1', 0],
    ] as const)
      sink.createWriter(writerContext(table, { jobKey, attemptTag, attempt })).write(batch([['a', 1n]]));
    await sink.cleanUp(table, 'job-1', { epoch: 2, restart: 1 }, 3);
    expect(readdirSync(directory).sort()).toEqual([
      '.part-job-01234567-0-0-0.inprogress.1',
      '.part-job-1-01234567-0-0-0.inprogress.10',
      '.part-job-1-01234567-0-0-0.inprogress.2.2',
      '.part-job-1-01234567-0-3-0.inprogress.2.1',
      '.part-job-1-x-01234567-0-0-0.inprogress.1',
    ]);
    const none = tableOf(schema, { path: join(directory, 'none'), format: 'json' });
    await sink.cleanUp(none, 'job-1', { epoch: 2, restart: 0 }, 0);
  });
});

test('a writer that gives up leaves nothing; one that starts again in the same epoch takes another name', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json', 'sink.rolling-policy.file-size': '20b' });
    const sink = sinkConnector(table);
    const first = sink.createWriter(writerContext(table));
    const second = sink.createWriter(writerContext(table));
    for (const writer of [first, second]) for (let n = 0; n < 3; n++) writer.write(batch([[`x"${n}\n`, BigInt(n)]]));
    await first.abort();
    const committables = await second.prepareCommit(1);
    await committerFor('filesystem').commit(directory, committables);
    expect(readdirSync(directory)).toHaveLength(committables.length);
    const lines = committables.map((one) => readFileSync(join(directory, String(one.payload['to'])), 'utf8')).join('');
    expect(lines).toBe('{"k":"x\\"0\\n","n":0}\n{"k":"x\\"1\\n","n":1}\n{"k":"x\\"2\\n","n":2}\n');
  });
});

test('a checkpoint can be committed again while the next execution of the subtask writes, killed or not', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json' });
    const sink = sinkConnector(table);
    const first = sink.createWriter(writerContext(table));
    first.write(batch([['a', 1n]]));
    const committables = await first.prepareCommit(1);
    const committer = committerFor('filesystem');
    await committer.commit(directory, committables);
    sink.createWriter(writerContext(table, { attempt: 1 })).write(batch([['b', 2n]]));
    await committer.commit(directory, committables);
    expect(visible(directory)).toHaveLength(1);
  });
});

test('full files are closed before the checkpoint comes, and all of them are in it', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json', 'sink.rolling-policy.file-size': '20b' });
    const files = new LocalFileSystem();
    const create = files.createSync.bind(files);
    let open = 0;
    files.createSync = (path, options) => {
      const file = create(path, options);
      const close = file.close.bind(file);
      open++;
      return Object.assign(file, { close: async () => close().then(() => open--) });
    };
    const sink = connectorsOn(files).sink(table);
    const writer = sink.createWriter(writerContext(table));
    for (let n = 0; n < 10; n++) {
      writer.write(batch([['long enough for a file', BigInt(n)]]));
      while (open > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const committables = await writer.prepareCommit(1);
    expect(committables).toHaveLength(10);
    await sink.committer!.commit(directory, committables);
    expect(visible(directory)).toHaveLength(10);
  });
});

test('a full file that cannot be made durable fails the checkpoint, and giving up leaves none', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json', 'sink.rolling-policy.file-size': '20b' });
    const files = new LocalFileSystem();
    const create = files.createSync.bind(files);
    let closed = 0;
    files.createSync = (path, options) => {
      const file = create(path, options);
      const close = file.close.bind(file);
      return Object.assign(file, {
        sync: async () => {
          throw new Error('EIO');
        },
        close: async () => close().then(() => closed++),
      });
    };
    const writer = connectorsOn(files).sink(table).createWriter(writerContext(table));
    for (let n = 0; n < 2; n++) writer.write(batch([['long enough for a file', BigInt(n)]]));
    await expect(writer.prepareCommit(1)).rejects.toThrow('EIO');
    await writer.abort();
    expect(closed).toBe(2);
    expect(readdirSync(directory)).toEqual([]);
  });
});

test('giving up while files are on their way to the disk closes each of them once and leaves none', async () => {
  await withDirectory(async (directory) => {
    const table = tableOf(schema, { path: directory, format: 'json', 'sink.rolling-policy.file-size': '20b' });
    const writer = sinkConnector(table).createWriter(writerContext(table));
    for (let n = 0; n < 3; n++)
      writer.write(
        batch([
          ['a', BigInt(n)],
          ['b', BigInt(n)],
        ]),
      );
    const prepared = writer.prepareCommit(1);
    writer.write(batch([['c', 3n]]));
    await writer.abort();
    await expect(prepared).resolves.toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

test('updates are refused as in Flink', () => {
  const table = tableOf(schema, { path: '/data', format: 'csv' });
  expect(() => sinkConnector(table).describe(table, true)).toThrow(
    "Table sink 't' doesn't support consuming update and delete changes",
  );
  sinkConnector(table).describe(table, false);
});
