// What a session is configured with, and what each of its jobs is submitted with.
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { flinkPlan } from '../../runtime/kubernetes/flink-plan.fixture.ts';
import { sessionConfig, sqlSubmission } from './session-config.ts';

const onCluster = { type: 'Flink', clusterRef: { name: 'shared' } };
const spec = (more: object = {}) => {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: {
      mode: 'Streaming',
      engine: onCluster,
      job: { sql: { inline: 'INSERT INTO b SELECT * FROM a' } },
      ...more,
    },
  }) as FlowJob;
  return resolveSpec(job.spec, { storage: { uri: 's3://bucket/states' } });
};
const attempt = { jobId: 'a'.repeat(32), allowNonRestoredState: true, jobManagerUid: 'jm-1' };
const paths = { state: 's3://bucket/states/orders/flink', restoreFrom: undefined };

test('a session takes submissions, and remembers how jobs ended for a month', () => {
  const { engine, ...rest } = flinkPlan().spec;
  const config = sessionConfig(
    { ...rest, engine: { config: { 'web.refresh-interval': '1 s', 'rest.port': '1' } } },
    { temporary: '/tmp', uploads: '/uploads' },
  );
  expect(engine.type).toBe('Flink');
  expect(config).toMatchObject({
    'web.submit.enable': 'true',
    'web.upload.dir': '/uploads',
    'jobstore.expiration-time': '2592000',
    // Or a job that lacks a slot would fail at once, except in the first minutes of the JobManager.
    'resourcemanager.standalone.start-up-time': '0',
    // A default gives way to the user's key, what hangs on a field of the spec does not.
    'web.refresh-interval': '1 s',
    'rest.port': '8081',
  });
  expect(config).not.toHaveProperty('execution.checkpointing.dir');
});

test('a stream is submitted under its id with checkpoints in a folder of its own', () => {
  const submission = sqlSubmission('orders', spec(), attempt, paths);
  expect(submission).toMatchObject({
    jobId: attempt.jobId,
    jar: 'sql-driver-jm-1.jar',
    parallelism: 1,
    restoreFrom: undefined,
    configuration: {
      'pipeline.name': 'orders',
      'execution.runtime-mode': 'STREAMING',
      'execution.checkpointing.interval': '10000 ms',
      'execution.checkpointing.dir': 's3://bucket/states/orders/flink/checkpoints',
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    },
  });
  expect(submission.programArgs).toEqual(['--script', 'INSERT INTO b SELECT * FROM a']);
});

test('a batch takes no checkpoints, and a user’s keys count before defaults', () => {
  const config = { 'restart-strategy.fixed-delay.attempts': '7' };
  const batch = spec({ mode: 'Batch', engine: { ...onCluster, config } });
  const { configuration } = sqlSubmission('orders', batch, attempt, paths);
  expect(configuration).toMatchObject({ 'execution.runtime-mode': 'BATCH', ...config });
  expect(configuration).not.toHaveProperty('execution.checkpointing.interval');
});

test('with mode Automatic it is a stream that takes fewer checkpoints during a backlog', () => {
  const { configuration } = sqlSubmission('orders', spec({ mode: 'Automatic' }), attempt, paths);
  expect(configuration).toMatchObject({
    'execution.runtime-mode': 'STREAMING',
    'execution.checkpointing.interval': '10000 ms',
    'execution.checkpointing.interval-during-backlog': '300000 ms',
  });
  expect(configuration).not.toHaveProperty('restart-strategy.type');
});

test('it goes on from the state that it is given', () => {
  const restoreFrom = 's3://bucket/states/orders/flink/checkpoints/b/chk-4';
  expect(sqlSubmission('orders', spec(), attempt, { ...paths, restoreFrom })).toMatchObject({
    restoreFrom,
    allowNonRestoredState: true,
  });
});
