// A stream on Apache Flink that keeps its state and its output on S3: a real server on the node, which pods reach by the address of their bridge. There is no volume
// anywhere.
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { healthyIn, numbers, seenIn, stream } from './flink-jobs.ts';
import { completedIn, storageOn, withS3 } from './s3-for-pods.ts';

const jobs = new Jobs(NAMESPACE);
const ROWS = 9_000;
const OUT = 's3://flowjobs/out/remote';
const STATE = 's3://flowjobs/state';

withOperator(jobs);
const server = withS3(NAMESPACE);

function onS3(version: number, more: { state?: object; jobManager?: object } = {}): object {
  const storage = storageOn(server(), STATE);
  return stream(numbers(ROWS, 150, version, OUT), {
    ...more,
    state: { checkpoint: { interval: '1s' }, storage, ...more.state },
  });
}

const healthy = (epoch: number): ReturnType<Jobs['get']> => healthyIn(jobs, 'remote', epoch);

/** Of the stop of a job whose FlowJob was deleted, which the operator tells; `before`: of the stop before that. */
async function lastSavepoint(name: string, before: string | undefined): Promise<string> {
  return until(
    'an event tells of the savepoint',
    async () => {
      const { items } = await kubectl.get<{ items: { note?: string; regarding?: { name: string } }[] }>(
        ...['events.events.k8s.io', '-n', NAMESPACE],
      );
      const notes = items.flatMap(({ note, regarding }) => (regarding?.name === name ? [note ?? ''] : []));
      const paths = notes.flatMap((note) => /stopped with a savepoint at (\S+)\.$/.exec(note)?.[1] ?? []);
      return paths.find((path) => path !== before) ?? null;
    },
    { seconds: 60, every: 500 },
  );
}

test('a stream is upgraded, loses its JobManager, is deleted with a savepoint and restored, all from S3, and writes each row once', async () => {
  await jobs.apply('remote', onS3(1));
  await healthy(1);

  await jobs.apply('remote', onS3(2));
  const upgraded = await healthy(2);
  expect(upgraded.status?.attempt?.restoreFrom).toMatch(`${STATE}/remote/flink/savepoints/`);

  await kubectl.run('delete', 'pod', 'remote-2-jobmanager', '-n', NAMESPACE, '--grace-period=0', '--force');
  const recovered = await healthy(3);
  expect(recovered.status?.attempt?.jobId).toBe(upgraded.status?.attempt?.jobId);
  expect(recovered.status?.attempt?.resumeFrom).toMatch(
    `${STATE}/remote/flink/checkpoints/${recovered.status?.attempt?.jobId}/chk-`,
  );

  const kept = { jobRef: { name: 'remote' }, disposalPolicy: 'Delete' };
  const metadata = { name: 'remote-kept', namespace: NAMESPACE };
  await kubectl.apply([{ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowSavepoint', metadata, spec: kept }]);
  await kubectl.run('wait', 'flowsavepoint/remote-kept', '-n', NAMESPACE, '--for=condition=Complete', '--timeout=60s');
  await kubectl.run('delete', 'flowjob', 'remote', '-n', NAMESPACE);
  await jobs.untilNoPods('remote');
  const path = await lastSavepoint('remote', upgraded.status?.attempt?.restoreFrom);

  // Nobody has a FlowJob any more that says where the store is and who may ask it: the FlowSavepoint itself does.
  const { status } = await kubectl.get<{ status: { path: string } }>('flowsavepoint', 'remote-kept', '-n', NAMESPACE);
  expect(existsSync(join(server().fileOf(status.path), '_metadata'))).toBe(true);
  await kubectl.run('delete', 'flowsavepoint', 'remote-kept', '-n', NAMESPACE);
  expect(existsSync(server().fileOf(status.path))).toBe(false);

  await jobs.apply('remote', onS3(3, { state: { restore: { uri: path } } }));
  const done = await jobs.until('remote', 'has come to its end', (job) => job.status?.state === 'Finished', 300);
  expect(done.status?.attempt?.restoreFrom).toBe(path);
  const rows = seenIn(completedIn(server(), OUT));
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      ROWS,
    ),
  ).toEqual(AS_EXPECTED);
  expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1, 2, 3]));
  const claims = await kubectl.get<{ items: unknown[] }>('persistentvolumeclaims', '-n', NAMESPACE);
  expect(claims.items).toEqual([]);
}, 1_200_000);

test('an image without Flink’s plugin for S3 is told in a condition, with what to do', async () => {
  // An empty folder over that of the image.
  const spec = {
    containers: [{ name: 'jobmanager', volumeMounts: [{ name: 'nothing', mountPath: '/opt/flink/plugins' }] }],
    volumes: [{ name: 'nothing', emptyDir: {} }],
  };
  await jobs.apply('lacking', onS3(1, { jobManager: { podTemplate: { spec } } }));
  // With high availability no JobManager comes up without it; the next one may have another image.
  const told = /lacking-\d+-jobmanager ended .*The image lacks Flink’s plugin for S3: put flink-s3-fs-hadoop/;
  const says = (job: FlowJob): boolean => told.test(condition(job, 'Ready')?.message ?? '');
  const job = await jobs.until('lacking', 'says what its image lacks', says, 240);
  expect(condition(job, 'Ready')?.status).not.toBe('True');
}, 400_000);
