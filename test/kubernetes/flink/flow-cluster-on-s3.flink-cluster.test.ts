// A stream on a FlowCluster of Apache Flink that keeps its state on S3, in real pods. There is no volume anywhere.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { healthyIn, numbers, seenIn, stream } from './flink-jobs.ts';
import { SharedCluster } from './flow-clusters.ts';
import { completedIn, storageOn, withS3 } from './s3-for-pods.ts';

const jobs = new Jobs(NAMESPACE);
const cluster = new SharedCluster(jobs, 'shared');
const ROWS = 9_000;
const OUT = 's3://flowjobs/out/remote';
const STATE = 's3://flowjobs/state';

withOperator(jobs);
const server = withS3(NAMESPACE);

const sql = (version: number): string => numbers(ROWS, 150, version, OUT);
const shared = (version: number, more: object = {}): object => cluster.job(sql(version), more);

const healthy = (epoch: number): ReturnType<Jobs['get']> => healthyIn(jobs, 'remote', epoch);

const suspended = (): ReturnType<Jobs['get']> =>
  jobs.until('remote', 'is suspended', ({ status }) => status?.state === 'Suspended', 120);

test('a stream is upgraded, loses the JobManager of its cluster, moves to pods of its own and is deleted with its state, all on S3, and writes each row once', async () => {
  const storage = storageOn(server(), STATE);
  await cluster.apply({
    taskManager: { replicas: 1, slots: 1, resources: { limits: { memory: '1Gi' } } },
    state: { storage },
  });
  await jobs.apply('remote', shared(1));
  await healthy(1);

  await jobs.apply('remote', shared(2));
  const upgraded = await healthy(2);
  expect(upgraded.status?.attempt?.restoreFrom).toMatch(`${STATE}/remote/flink/savepoints/`);

  await cluster.kill('jobmanager');
  const recovered = await healthy(3);
  expect(recovered.status?.attempt?.restoreFrom).toMatch(
    `${STATE}/remote/flink/checkpoints/${upgraded.status?.attempt?.jobId}/chk-`,
  );

  const spec = { jobRef: { name: 'remote' }, disposalPolicy: 'Delete' };
  const metadata = { name: 'remote-kept', namespace: NAMESPACE };
  await kubectl.apply([{ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowSavepoint', metadata, spec }]);
  await kubectl.run('wait', 'flowsavepoint/remote-kept', '-n', NAMESPACE, '--for=condition=Complete', '--timeout=60s');
  const { status } = await kubectl.get<{ status: { path: string } }>('flowsavepoint', 'remote-kept', '-n', NAMESPACE);
  expect(existsSync(join(server().fileOf(status.path), '_metadata'))).toBe(true);

  await jobs.apply('remote', shared(2, { suspend: true }));
  const { status: stopped } = await suspended();
  // The cluster is not needed any more to read what its jobs have left.
  const alone = { state: { checkpoint: { interval: '1s' }, storage }, deletionPolicy: 'Delete' };
  await jobs.apply('remote', stream(sql(3), alone));
  const moved = await healthy(4);
  expect(moved.status?.attempt?.restoreFrom).toBe(stopped?.lastSavepoint?.path);
  await kubectl.run('delete', 'flowcluster', cluster.name, '-n', NAMESPACE, '--timeout=60s');

  await jobs.until('remote', 'has come to its end', (job) => job.status?.state === 'Finished', 300);
  const rows = seenIn(completedIn(server(), OUT));
  expect(
    deviationFromEachOnce(
      rows.map(({ n }) => n),
      ROWS,
    ),
  ).toEqual(AS_EXPECTED);
  expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1, 2, 3]));

  await kubectl.run('delete', 'flowjob', 'remote', '-n', NAMESPACE, '--timeout=120s');
  expect(checkpointsLeft()).toEqual([]);
  // Nobody has a FlowJob or a FlowCluster any more that says where the store is and who may ask it: the FlowSavepoint itself does.
  await kubectl.run('delete', 'flowsavepoint', 'remote-kept', '-n', NAMESPACE, '--timeout=60s');
  expect(existsSync(server().fileOf(status.path))).toBe(false);
  const claims = await kubectl.get<{ items: unknown[] }>('persistentvolumeclaims', '-n', NAMESPACE);
  expect(claims.items).toEqual([]);
}, 1_200_000);

function checkpointsLeft(): string[] {
  const folder = server().fileOf(`${STATE}/remote/flink/checkpoints`);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('_metadata'));
}
