// Streams that count, on one volume that all of them share: what each has written tells whether every row came, and came once.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { has as hasSize } from '../../harness/size.ts';
import { until } from '../../harness/until.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { IMAGE, kubectl, type Jobs } from './operator.ts';

/** The claim of all jobs of a file: a cluster has few volumes. Each job has a folder of its own there. */
const CLAIM = 'shared';
const LOOK = 'look';

export const condition = (job: FlowJob, type: string) => job.status?.conditions.find((one) => one.type === type);

export const runs = ({ status }: FlowJob): boolean =>
  status?.state === 'Running' && status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');

/** Every subtask runs in a TaskManager of its own, and all of them have the same. */
export const has =
  (taskManagers: number) =>
  (job: FlowJob): boolean =>
    runs(job) && hasSize(taskManagers)(job);

/** Numbers are handed out in sixteen parts of this size, which several subtasks read side by side. */
const PART = 625_000;
const partOf = (n: number): number => Math.floor(n / PART);

/** SQL that writes 0, 1, 2, ... without end, each beside `column`. `rate`: the option of datagen that says how fast. */
export const numbersSql = (job: string, column: string, rate = "'rows-per-second' = '100'"): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', ${rate},
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${16 * PART - 1}');
CREATE TABLE seen (n BIGINT, version INT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out/${job}', 'format' = 'csv');
INSERT INTO seen SELECT n, ${column} FROM numbers;`;

/** The same at rates that change, with so much work for each row that a TaskManager of `smallCpu` handles about thousand in a second. */
export const heavySql = (job: string, schedule: string): string =>
  numbersSql(
    job,
    `CHAR_LENGTH(REGEXP_REPLACE(LPAD(CAST(n AS STRING), 10000, 'abc'), 'a', 'b'))`,
    `'rows-per-second.schedule' = '${schedule}'`,
  );

/** TaskManagers that share a small machine: three of them that are busy all the time take a core. */
export const smallCpu = {
  slots: 1,
  resources: { limits: { memory: '256Mi', cpu: '300m' }, requests: { cpu: '10m' } },
};

/** The spec of a stream that writes 0, 1, 2, ... beside `version`, without end, unless `inline` does something else. */
export function counting(
  job: string,
  more: object = {},
  version = 1,
  inline = numbersSql(job, String(version)),
): object {
  return {
    mode: 'Streaming',
    job: { sql: { inline } },
    taskManager: { slots: 1 },
    state: { checkpoint: { interval: '500ms' }, storage: { persistentVolumeClaim: { claimName: CLAIM } } },
    ...more,
  };
}

/** The claim, and a pod that looks at it for the tests. */
export async function makeSharedVolume({ namespace }: Jobs): Promise<void> {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: CLAIM, namespace },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  const look = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: LOOK, namespace },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'look',
          image: IMAGE,
          command: ['sleep', 'infinity'],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'state', mountPath: '/flowjob/state' }],
        },
      ],
      volumes: [{ name: 'state', persistentVolumeClaim: { claimName: CLAIM } }],
    },
  };
  await kubectl.apply([claim, look]);
  await kubectl.run('wait', '--for=condition=Ready', `pod/${LOOK}`, '-n', namespace, '--timeout=180s');
}

/** Rows that are visible, in the order of their numbers. */
export async function rowsOf(job: string, namespace: string): Promise<{ n: number; version: number }[]> {
  const script = `cat /flowjob/state/out/${job}/part-* 2>/dev/null || true`;
  const text = await kubectl.run('exec', LOOK, '-n', namespace, '--', 'sh', '-c', script);
  const rows = text.split('\n').filter((line) => line !== '');
  return rows
    .map((row) => row.split(',').map(Number))
    .map(([n, version]) => ({ n: n!, version: version! }))
    .sort((a, b) => a.n - b.n);
}

/** Stops the stream with a savepoint, which makes all of its output visible. */
export async function rowsAtRest(jobs: Jobs, job: string): Promise<{ n: number; version: number }[]> {
  await kubectl.run(
    'patch',
    'flowjob',
    job,
    '-n',
    jobs.namespace,
    '--type=merge',
    '--patch',
    '{"spec":{"suspend":true}}',
  );
  // A subtask that has more to read than it can handles a batch between two steps of the savepoint.
  await jobs.until(job, 'is suspended', ({ status }) => status?.state === 'Suspended', 400);
  const rows = await rowsOf(job, jobs.namespace);
  expect(rows.length).toBeGreaterThan(0);
  return rows;
}

/** Stops the stream, and fails unless each number up to the last is there once. */
export async function expectEachOnce(jobs: Jobs, job: string): Promise<{ n: number; version: number }[]> {
  const rows = await rowsAtRest(jobs, job);
  const last = Math.max(...rows.map(({ n }) => n));
  const deviation = deviationFromEachOnce(
    rows.map(({ n }) => n),
    last + 1,
  );
  expect({ job, deviation }).toEqual({ job, deviation: AS_EXPECTED });
  return rows;
}

/** Stops a stream that several subtasks read, and fails unless each part was read from its start, without a gap, and no row of it was written twice. */
export async function expectPartsOnce(jobs: Jobs, job: string): Promise<void> {
  const numbers = (await rowsAtRest(jobs, job)).map(({ n }) => n);
  const parts = Map.groupBy(numbers, partOf);
  expect(parts.size).toBeGreaterThan(1);
  for (const [part, found] of parts) {
    const deviation = deviationFromEachOnce(
      found.map((n) => n - part * PART),
      found.length,
    );
    expect({ job, part, deviation }).toEqual({ job, part, deviation: AS_EXPECTED });
  }
}

/** Rows of more than one part have become visible: several subtasks read. */
export async function untilSeveralRead(job: string, namespace: string): Promise<void> {
  const parts = async (): Promise<number> => new Set((await rowsOf(job, namespace)).map(({ n }) => partOf(n))).size;
  await until(`several subtasks of ${job} read`, async () => (await parts()) > 1, { seconds: 120, every: 1_000 });
}

/** Rows that were written after this was called have become visible. */
export async function untilMoreRows(job: string, namespace: string): Promise<void> {
  const before = (await rowsOf(job, namespace)).length;
  await until(`${job} writes more`, async () => (await rowsOf(job, namespace)).length > before, {
    seconds: 120,
    every: 500,
  });
}

/** Waits for an event about a job. */
export async function untilEvent(job: string, namespace: string, reason: string, message: RegExp): Promise<void> {
  await until(
    `an event ${reason} of ${job} says ${message}`,
    async () => {
      const { items } = await kubectl.get<{ items: { reason: string; message: string }[] }>(
        'events',
        '-n',
        namespace,
        '--field-selector',
        `involvedObject.name=${job}`,
      );
      if (items.some((event) => event.reason === reason && message.test(event.message))) return true;
      throw new Error(items.map((event) => `${event.reason}: ${event.message}`).join('\n'));
    },
    { seconds: 120, every: 300 },
  );
}
