import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { neededByNewJobs, neededState, restorerOf } from './needed-state.ts';

const job = (status: object, restore?: object): FlowJob => ({
  ...(admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: {
      ...{ mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } }, taskManager: { replicas: 1 } },
      ...(restore === undefined ? {} : { state: { restore } }),
    },
  }) as unknown as FlowJob),
  status: status as FlowJob['status'] & object,
});

test('what a version on trial began from is needed: a rollback goes back to it', () => {
  const attempt = { restoreFrom: '/s/checkpoints/before/chk-7' };
  expect(neededState(job({ attempt, previous: { generation: 1 } }), null)).toEqual([attempt.restoreFrom]);
});

test('so are the checkpoint that an attempt goes on from, the last savepoint, and what the job is restored from', () => {
  const attempt = { restoreFrom: '/a', resumeFrom: '/b' };
  const status = { attempt, lastSavepoint: { path: '/c' }, restored: { path: '/d', complete: false } };
  expect(neededState(job(status, { uri: '/e' }), null)).toEqual(['/a', '/b', '/c', '/d', '/e']);
});

test('a job that has never run needs nothing but what its spec names', () => {
  expect(neededState(job({}), null)).toEqual([]);
  const named = {
    state: 'Completed',
    path: '/f',
    claimName: undefined,
    engine: 'Flink',
    failure: '',
    beingRemoved: false,
  } as const;
  expect(neededState(job({}, { savepointRef: { name: 'x' } }), named)).toEqual(['/f']);
});

test('what a job was restored from is needed no more once it has state of its own, though its spec still names it', () => {
  const status = { attempt: {}, restored: { path: '/d', complete: true } };
  expect(neededState(job(status, { uri: '/e' }), null)).toEqual([]);
});

test('of what a job has written that is needed from which others are to start; those that have state of their own need nothing', () => {
  const of = (letter: string, name = 'orders'): string => `/state/${name}/flink/checkpoints/${letter}/chk-1`;
  const jobs = [
    job({}, { uri: of('b') }),
    job({ attempt: {}, restored: { path: of('a'), complete: false } }),
    job({}, { uri: of('b') }),
    job({}, { uri: of('b', 'another') }),
    job({ attempt: { restoreFrom: of('c') }, lastSavepoint: { path: of('d') } }, { uri: of('e') }),
  ];
  expect(neededByNewJobs('orders', jobs)).toEqual([of('a'), of('b')]);
});

describe('the checkpoints of a job that is deleted', () => {
  const named = (name: string, namespace: string, uri?: string, status: object = {}, more: object = {}): FlowJob => {
    const one = job(status);
    // Of a job on S3 the store is no matter here.
    const restore = uri === undefined ? {} : { restore: { uri, allowNonRestoredState: false } };
    return {
      ...one,
      metadata: { ...one.metadata, name, namespace, uid: `${namespace}/${name}`, ...more },
      spec: { ...one.spec, state: { ...one.spec.state, ...restore } },
    };
  };
  const orders = named('orders', 'a');
  const checkpoint = '/state/orders/checkpoints/x/chk-1';
  const who = (...jobs: FlowJob[]): string | undefined => restorerOf(orders, [orders, ...jobs])?.job;

  test.each([checkpoint, `file:${checkpoint}/`, 's3://bucket/orders/flink/checkpoints/x/chk-1'])(
    'are needed by one that is to start from %s',
    (uri) => expect(who(named('next', 'a', uri))).toBe('next'),
  );

  test('are needed until it has a checkpoint of its own', () => {
    const restored = { origin: 'Uri', path: checkpoint, complete: false };
    expect(who(named('next', 'a', undefined, { attempt: { epoch: 1 }, restored }))).toBe('next');
    expect(
      who(named('next', 'a', undefined, { attempt: { epoch: 1 }, restored: { ...restored, complete: true } })),
    ).toBeUndefined();
  });

  test('are not needed by one that is deleted too, nor by the job itself, nor for a savepoint, nor for state of another job', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(who(named('next', 'a', checkpoint, {}, { deletionTimestamp }))).toBeUndefined();
    expect(restorerOf(orders, [named('orders', 'a', checkpoint)])).toBeUndefined();
    expect(who(named('next', 'a', '/state/orders/savepoints/x'))).toBeUndefined();
    expect(who(named('next', 'a', '/state/more-orders/checkpoints/x/chk-1'))).toBeUndefined();
  });

  test('are on S3 alone the same in another namespace', () => {
    expect(who(named('next', 'b', checkpoint))).toBeUndefined();
    expect(who(named('next', 'b', `s3://bucket${checkpoint}`))).toBe('next');
  });
});
