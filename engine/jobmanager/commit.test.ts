// Where what a checkpoint or savepoint holds is made visible: the text may have changed, the output moved, the savepoint been carried away.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcquiredAttempt } from '../checkpoint/attempt.ts';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import type { Committable } from '../connectors/connector.ts';
import { connectors, sinkConnector, sourceConnector } from '../connectors/registry.ts';
import { planScript } from '../plan/plan-script.ts';
import { commitAll, isHeld, outputsOf, placesOf, type Outputs } from './commit.ts';

const JOB = 'ab'.repeat(16);
const OTHER = 'cd'.repeat(16);
const SINK = 'e'.repeat(32);

let root: string;
let storage: LocalCheckpointStorage;
let attempt: AcquiredAttempt;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'flowjob-commit-'));
  storage = new LocalCheckpointStorage(join(root, 'state'));
  attempt = await storage.acquireAttempt(1, 'test');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const path = (...names: string[]): string => join(root, ...names);

/** A file that a sink has prepared in `folder`, or one that is visible already. */
function written(folder: string, state: 'pending' | 'visible', base?: string): Committable {
  mkdirSync(path(folder), { recursive: true });
  writeFileSync(path(folder, state === 'pending' ? '.a' : 'a.csv'), 'rows');
  const payload = { from: '.a', to: 'a.csv', ...(base === undefined ? {} : { base }) };
  return { connector: 'filesystem', operatorId: SINK, payload };
}

/** As a restore does it. */
async function restore(committable: Committable, outputs: Outputs, carried: boolean): Promise<void> {
  const manifest = { jobId: JOB, committables: [committable] };
  await commitAll(storage, connectors, attempt, await placesOf(storage, connectors, manifest, outputs, carried));
}

test('a file becomes visible where the sink writes now, and again changes nothing', async () => {
  const file = written('out', 'pending');
  await restore(file, { [SINK]: path('out') }, false);
  await restore(file, { [SINK]: path('out') }, true);
  expect([existsSync(path('out', 'a.csv')), existsSync(path('out', '.a'))]).toEqual([true, false]);
});

test.each([true, false])(
  'where the text has another path, or no such sink, it becomes visible where the job wrote (savepoint of another job: %s)',
  async (carried) => {
    await storage.recordOutputs(attempt, JOB, { [SINK]: path('before') });
    mkdirSync(path('now'));
    writeFileSync(path('now', 'of-another'), '');
    const file = written('before', 'pending');
    await restore(file, { [SINK]: path('now') }, carried);
    expect(existsSync(path('before', 'a.csv'))).toBe(true);
    await restore(file, {}, carried);
  },
);

test('where state and output were moved together, it becomes visible in the new place', async () => {
  await storage.recordOutputs(attempt, JOB, { [SINK]: path('out') });
  const file = written('out', 'pending');
  renameSync(path('out'), path('moved'));
  await restore(file, { [SINK]: path('moved') }, false);
  expect(existsSync(path('moved', 'a.csv'))).toBe(true);
});

test('a savepoint that was carried to where its output is not is restored without it', async () => {
  const file = written('out', 'visible');
  rmSync(path('out'), { recursive: true });
  mkdirSync(path('now'));
  writeFileSync(path('now', 'of-another'), '');
  const outputs = { [SINK]: path('now') };
  await restore(file, outputs, true);
  await storage.recordOutputs(attempt, JOB, { [SINK]: path('out') });
  await restore(file, outputs, true);
  mkdirSync(path('out'));
  await restore(file, outputs, true);
  await restore(file, {}, true);
});

test('rows that are gone where the job wrote are an error, for another job too as long as the output is there', async () => {
  await storage.recordOutputs(attempt, JOB, { [SINK]: path('out') });
  const file = written('out', 'visible');
  rmSync(path('out', 'a.csv'));
  await expect(restore(file, { [SINK]: path('out') }, false)).rejects.toMatchObject({ code: 'SINK_LOST' });
  await expect(restore(file, {}, false)).rejects.toMatchObject({ code: 'SINK_LOST' });
  writeFileSync(path('out', 'b.csv'), '');
  await expect(restore(file, { [SINK]: path('out') }, true)).rejects.toMatchObject({ code: 'SINK_LOST' });
});

test('a checkpoint with rows in a place that nobody knows is refused by the name of the file', async () => {
  await expect(restore(written('out', 'pending'), {}, false)).rejects.toMatchObject({
    code: 'SINK_LOST',
    message: expect.stringContaining('a.csv') as string,
  });
});

test('a file that is there under both names is an error, and stays', async () => {
  const file = written('out', 'pending');
  written('out', 'visible');
  await expect(restore(file, { [SINK]: path('out') }, true)).rejects.toMatchObject({ code: 'SINK_CONFLICT' });
});

test('what named its place itself, as of version 1, becomes visible there and nowhere else', async () => {
  const file = written('out', 'pending', path('out'));
  await restore(file, { [SINK]: path('now') }, true);
  expect(existsSync(path('out', 'a.csv'))).toBe(true);
  rmSync(path('out', 'a.csv'));
  written('now', 'visible');
  const outputs = { [SINK]: path('now') };
  await expect(restore(file, outputs, false)).rejects.toMatchObject({ code: 'SINK_LOST' });
  await restore(file, outputs, true);
  writeFileSync(path('out', 'b.csv'), '');
  await expect(restore(file, outputs, true)).rejects.toMatchObject({ code: 'SINK_LOST' });
});

test('only sinks that commit have an output, by their id in every text', () => {
  const plan = planScript(
    `CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen');
     CREATE TABLE kept (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '${path('out')}', 'format' = 'csv');
     CREATE TABLE shown (n BIGINT) WITH ('connector' = 'print');
     CREATE TABLE dropped (n BIGINT) WITH ('connector' = 'blackhole');
     INSERT INTO kept SELECT n FROM numbers;
     INSERT INTO shown SELECT n FROM numbers;
     INSERT INTO dropped SELECT n FROM numbers;`,
    {
      mode: 'STREAMING',
      parallelism: 1,
      jobName: 'job',
      describeSource: (table) => sourceConnector(table).describe(table),
      describeSink: (table, changelog) => sinkConnector(table).describe(table, changelog),
    },
  );
  const sink = plan.vertices.flatMap(({ operators }) => operators).find(({ uid }) => uid === 'sink:kept')!;
  expect(outputsOf(connectors, plan)).toEqual({ [sink.id]: path('out') });
});

test('outputs are kept per job, and a later attempt adds to them only what is new', async () => {
  await storage.recordOutputs(attempt, JOB, { [SINK]: '/a' });
  const second = await storage.acquireAttempt(2, 'test');
  await storage.recordOutputs(second, JOB, { [SINK]: '/a' });
  expect(readdirSync(path('state', 'outputs', JOB))).toHaveLength(1);
  const third = await storage.acquireAttempt(3, 'test');
  await storage.recordOutputs(third, JOB, { [SINK]: '/b' });
  expect(await storage.readOutputs(JOB)).toEqual(new Map([[SINK, ['/a', '/b']]]));
  expect(await storage.readOutputs(OTHER)).toEqual(new Map());
  await expect(storage.recordOutputs(second, JOB, { [SINK]: '/c' })).rejects.toMatchObject({ code: 'FENCED' });
});

test('what a savepoint holds is there while its file is, visible or not, and gone without it', async () => {
  const file = written('out', 'pending');
  await storage.recordOutputs(attempt, JOB, { [SINK]: path('out') });
  const held = async (): Promise<boolean> => isHeld(storage, connectors, { jobId: JOB, committables: [file] });
  expect(await held()).toBe(true);
  await restore(file, {}, false);
  expect(await held()).toBe(true);
  rmSync(path('out', 'a.csv'));
  expect(await held()).toBe(false);
});
