// A savepoint of state with a time to live: whoever looks through it finds the rows that a restore at the moment of the savepoint would have found.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromRows } from '../columnar/batch.ts';
import { createOperator } from '../operators/create.ts';
import { ACCUMULATORS, Collector, groupSpec, INPUT } from '../operators/harness.ts';
import { readSavepoint } from './independent-reader.fixture.ts';
import { inspectState, stateFolderAt, stateRows } from './inspect.ts';
import { LocalCheckpointStorage } from './local-storage.ts';

const JOB = 'ab'.repeat(16);
const TIME_TO_LIVE = 1000;

test('rows whose time was over are left out by inspection, and by a reader that knows only the documentation', async () => {
  const root = mkdtempSync(join(tmpdir(), 'flowjob-outdated-'));
  try {
    let now = 0;
    const group = groupSpec(['id'], [ACCUMULATORS[0]!]);
    const id = createHash('sha256').update(group.uid).digest('hex').slice(0, 32);
    const collector = new Collector({ now: () => now, stateTimeToLive: TIME_TO_LIVE });
    const operator = createOperator({ ...group, id }, collector.context('STREAMING'));
    // The second was updated exactly so long ago that it is gone, the third a millisecond later.
    for (const [key, time] of [
      [1n, 100],
      [2n, 600],
      [3n, 601],
      [4n, 1500],
    ] as const) {
      now = time;
      operator.processBatch(fromRows(INPUT, [[key, ...INPUT.slice(1).map(() => null)]]), collector);
    }
    operator.flush?.(collector);
    const storage = new LocalCheckpointStorage(root);
    const attempt = await storage.acquireAttempt(1, 'test');
    const path = storage.savepointPath(JOB, 'f'.repeat(32));
    const task = { vertexId: 'v', subtask: 0, attempt: '1' };
    await storage.publishManifest(attempt, path, {
      formatVersion: 2,
      kind: 'SAVEPOINT',
      jobId: JOB,
      jobName: 'job',
      checkpointId: 1,
      epoch: 1,
      restart: 0,
      triggerTimestamp: 1600,
      maxParallelism: 128,
      operators: [{ operatorId: id, uid: group.uid, name: group.name, vertexId: 'v', parallelism: 1 }],
      files: [await storage.writeTaskState(path, task, [operator.snapshot()!])],
      sources: [],
      committables: [],
      endOfInput: false,
    });
    const live = [
      [3n, 1n, 601],
      [4n, 1n, 1500],
    ];
    const byKey = (a: unknown[], b: unknown[]): number => Number(a[0]) - Number(b[0]);
    const folder = stateFolderAt(path);
    const { manifest, operators, damages } = await inspectState(folder);
    expect(damages).toEqual([]);
    expect(operators.map(({ rows, keyGroups }) => [rows, keyGroups])).toEqual([[2, 2]]);
    const inspected: unknown[][] = [];
    for await (const { cells } of stateRows(folder, manifest, id)) inspected.push(cells);
    expect(inspected.sort(byKey)).toEqual(live);
    expect(readSavepoint(path).operators.map(({ rows }) => rows.sort(byKey))).toEqual([live]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
