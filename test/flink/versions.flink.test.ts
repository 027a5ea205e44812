// The operator with versions of Apache Flink before the newest, JVMs in the place of pods: by its command lines and configuration.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlinkVersion } from '../../src/api/engine.ts';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { InVain, until } from '../harness/until.ts';
import { ensureExample, ensureFlink } from './distribution.ts';
import { JvmJob } from './jvm-job.ts';
import { startOperator } from './jvm-operator.ts';
import { messageOf, runs } from './told.ts';

let one: JvmJob;
let stop: () => Promise<void>;

async function open(...versions: [FlinkVersion, ...FlinkVersion[]]): Promise<void> {
  one = await JvmJob.open(...versions);
  mkdirSync(join(one.work, 'in'));
  mkdirSync(join(one.work, 'out'));
  stop = startOperator(one);
}

afterEach(async () => {
  try {
    await stop?.();
  } finally {
    await one?.close();
    [one, stop] = [undefined!, undefined!];
  }
});

const KEYS = 10;
/** Of each key in each file. */
const TIMES = 50;
let files = 0;
function addFile(): void {
  const numbers = Array.from({ length: KEYS * TIMES }, (_, n) => n);
  const hidden = join(one.work, 'in', `.${++files}`);
  writeFileSync(hidden, `${numbers.join('\n')}\n`);
  renameSync(hidden, join(one.work, 'in', `${files}.csv`));
}

/** How often each key has been seen is state of the job, and so is which files have been read. */
const counting = (
  version: number,
  { from = 'numbers', source = '' }: { from?: string; source?: string } = {},
): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'file://${one.work}/in', 'format' = 'csv'${source});
CREATE TABLE seen (k BIGINT, times BIGINT, version INT) WITH ('connector' = 'filesystem', 'path' = 'file://${one.work}/out', 'format' = 'debezium-json',
  'sink.rolling-policy.rollover-interval' = '500 ms', 'sink.rolling-policy.check-interval' = '200 ms');
INSERT INTO seen SELECT MOD(n, ${KEYS}), COUNT(*), ${version} FROM ${from} GROUP BY MOD(n, ${KEYS});`;
const stream = (version: number, from?: string): string =>
  counting(version, { ...(from === undefined ? {} : { from }), source: `, 'source.monitor-interval' = '200 ms'` });
const WHERE_NOBODY_IS = /line 5, column 54.*'nobody'/s;

const reaches = async (what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  one.reaches(
    what,
    (job) => {
      if (holds(job)) return true;
      const isOfNow = job.status?.observedGeneration === job.metadata.generation;
      if (isOfNow && job.status?.state === 'Failed') throw new InVain(JSON.stringify(job.status.conditions));
      return false;
    },
    180,
  );

interface Change {
  op: 'c' | 'd';
  before: { k: number; times: number } | null;
  after: { k: number; times: number; version: number } | null;
}
const changes = (): Change[] => one.rows().map((row) => JSON.parse(row) as Change);

/** Counts that came and did not go, as `key: count`. One that began anew would stay beside the one that goes on. */
function counts(): string[] {
  const open = new Map<string, number>();
  for (const { op, before, after } of changes()) {
    const { k, times } = (op === 'c' ? after : before)!;
    const row = `${k}: ${times}`;
    open.set(row, (open.get(row) ?? 0) + (op === 'c' ? 1 : -1));
  }
  return [...open]
    .flatMap(([row, times]) => (times === 0 ? [] : times === 1 ? [row] : [`${row} (${times} times)`]))
    .sort();
}
const eachOnce = async (): Promise<void> => {
  const expected = Array.from({ length: KEYS }, (_, k) => `${k}: ${files * TIMES}`).sort();
  const are = (): boolean => counts().join() === expected.join();
  await until('each row is counted once', are, { seconds: 90, every: 200, explain: () => counts().join('\n') });
};
const ask = async ({ status }: FlowJob, path: string): Promise<Record<string, unknown>> => {
  const connection = await one.runtime.connection(JvmJob.key, status!.attempt!);
  return (await (await fetch(`${connection!.url}${path}`)).json()) as Record<string, unknown>;
};
const flinkVersion = async (job: FlowJob): Promise<unknown> => (await ask(job, '/overview'))['flink-version'];

/** It may have to be fetched. */
function isThere(version: FlinkVersion): void {
  beforeAll(async () => void (await ensureFlink(console.log, version)), 600_000);
}

describe.each(['2.0', '2.1', '2.2'] as const)('Flink %s', (version) => {
  isThere(version);

  test('runs a stream that is upgraded with its state and rescaled in place: each row once', async () => {
    files = 0;
    await open(version);
    addFile();
    await one.apply(stream(1));
    expect(await flinkVersion(await reaches('runs', runs(1)))).toMatch(version);
    await eachOnce();

    await one.apply(stream(2, 'nobody'));
    const stalled = await reaches('is Stalled', (job) => messageOf(job, 'Stalled') !== undefined);
    expect(messageOf(stalled, 'Stalled')).toMatch(WHERE_NOBODY_IS);
    expect(stalled.status).toMatchObject({ state: 'Running', accepted: { generation: 1 } });

    await one.apply(stream(2));
    const upgraded = await reaches('runs its second version', runs(3));
    expect(upgraded.status?.attempt).toMatchObject({
      session: true,
      restoreFrom: upgraded.status?.lastSavepoint?.path,
    });
    addFile();
    await eachOnce();

    const size = { taskManager: { replicas: 2, slots: 1, resources: { limits: { memory: '1Gi' } } } };
    await one.apply(stream(2), size);
    const rescaled = await reaches(
      'has two TaskManagers',
      ({ status }) => status?.scaling === undefined && status?.taskManager?.replicas === 2,
    );
    expect(rescaled.status?.attempt?.epoch).toBe(upgraded.status?.attempt?.epoch);
    addFile();
    await eachOnce();

    expect(new Set(changes().flatMap(({ after }) => after?.version ?? []))).toEqual(new Set([1, 2]));
  }, 900_000);

  test('fails a batch whose SQL is wrong, with its place, and completes the corrected one', async () => {
    files = 0;
    await open(version);
    addFile();
    const more = { mode: 'Batch', state: {}, batch: { backoffLimit: 0 } };
    await one.apply(counting(1, { from: 'nobody' }), more);
    const failed = await reaches('has failed', (job) => job.status?.state === 'Failed');
    expect(messageOf(failed, 'Failed')).toMatch(WHERE_NOBODY_IS);

    await one.apply(counting(1), { ...more, restartNonce: 1 });
    // Until it is begun again it is Failed.
    const complete = await one.reaches('has finished', ({ status }) => status?.state === 'Finished', 180);
    expect(messageOf(complete, 'Complete')).toBeDefined();
    await eachOnce();
  }, 600_000);
});

describe('Flink 1.20', () => {
  isThere('1.20');

  const program = async (args: string[]): Promise<object> => ({
    job: { jar: { uri: await ensureExample(console.log, '1.20'), args }, parallelism: 1 },
  });
  const batch = {
    mode: 'Batch',
    state: {},
    batch: { backoffLimit: 0 },
    engine: { type: 'Flink', version: '1.20', config: { 'restart-strategy.type': 'none' } },
  };

  test('runs a stream from a jar, upgrades it with a savepoint, and tells of the next one that its main method fails', async () => {
    await open('1.20');
    await one.apply('', await program([]));
    expect(await flinkVersion(await reaches('runs', runs(1)))).toMatch('1.20');

    await one.apply('', await program(['--execution-mode', 'STREAMING']));
    const upgraded = await reaches('runs its second version', runs(2));
    const { attempt, lastSavepoint } = upgraded.status!;
    expect(attempt?.restoreFrom).toBe(lastSavepoint?.path);
    const checkpoints = await ask(upgraded, `/jobs/${attempt!.jobId}/checkpoints`);
    expect(checkpoints).toMatchObject({ latest: { restored: { is_savepoint: true } } });

    await one.apply('', await program(['--execution-mode', 'NEITHER']));
    const back = await reaches(
      'runs its second version again',
      (job) => job.status?.state === 'Running' && messageOf(job, 'Stalled') !== undefined,
    );
    expect(messageOf(back, 'Stalled')).toMatch(/No enum constant .*RuntimeExecutionMode\.NEITHER/);
  }, 900_000);

  test('tells why the tasks of a batch from a jar fail', async () => {
    await open('1.20');
    const input = join(one.work, 'in', 'cars');
    const args = ['--input', input, '--output', join(one.work, 'out'), '--execution-mode', 'BATCH'];
    writeFileSync(input, 'no car\n');
    await one.apply('', { ...batch, ...(await program(args)) });
    const failed = await reaches('has failed', ({ status }) => status?.state === 'Failed');
    expect(messageOf(failed, 'Failed')).toMatch(/For input string: "o ca/);
  }, 600_000);
});
