// What storage is asked: which state is to stay when what earlier runs have left is cleared away.
import { admit } from '../api/admission.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { NOTHING_KNOWN, type ProcessView } from '../lifecycle/observation.ts';
import { RecordedFlink } from '../engine-client/flink/recorded-flink.fixture.ts';
import type { Connection, Runtime, StorageQuestion } from '../runtime/port.ts';
import { Gatherer } from './gather.ts';

let asked: StorageQuestion[];
let processes: Partial<ProcessView>[];
let connection: Connection | null;

beforeEach(() => {
  asked = [];
  processes = [];
  connection = null;
});

const runtime = {
  processes: () => processes as ProcessView[],
  refusal: () => null,
  connection: async () => connection,
  savepointFolder: () => null,
  newImages: async () => null,
  claimOf: () => null,
  storage: async (question: StorageQuestion) => {
    asked.push(question);
    return { epoch: 0, ...NOTHING_KNOWN };
  },
} as unknown as Runtime;

function job(name: string, status?: object, more: object = {}): FlowJob {
  const object = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name, namespace: 'a' },
    spec: {
      ...{ mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job: { sql: { inline: 'SELECT 1' } } },
      ...more,
    },
  }) as unknown as FlowJob;
  return { ...object, ...(status === undefined ? {} : { status: { conditions: [], ...status } as never }) };
}

async function neededOf(one: FlowJob, others: readonly FlowJob[] = []): Promise<StorageQuestion['needed']> {
  const related = { savepoints: [], named: null, restorers: {}, jobs: async () => [one, ...others] };
  await new Gatherer({ runtime, checkSql: () => null }).observe(one, related, 0);
  return asked.at(-1)!.needed;
}

const ran = { attempt: { epoch: 1, jobId: 'a'.repeat(32), restoreFrom: '/mine', healthy: true, ended: 'Finished' } };

test('until it has proven itself a job on Flink is told by the release that answers, as far as that is told', async () => {
  const flink = await RecordedFlink.start();
  try {
    const jobId = 'a'.repeat(32);
    flink.answers['/jobs'] = { jobs: [{ id: jobId, status: 'RUNNING' }] };
    flink.answers[`/jobs/${jobId}/checkpoints`] = { history: [] };
    flink.answers[`/jobs/${jobId}`] = 'job_detail.json';
    flink.answers[`/jobs/${jobId}/exceptions`] = { exceptionHistory: { entries: [] } };
    connection = { url: flink.url, token: null };
    processes = [{ epoch: 1, role: 'JobManager', index: 0, state: 'Running' }];
    const one = job('orders', { attempt: { epoch: 1, jobId, healthy: false } });
    const release = async () => {
      const related = { savepoints: [], named: null, restorers: {}, jobs: async () => [one] };
      const { engine } = await new Gatherer({ runtime, checkSql: () => null }).observe(one, related, 0);
      return [engine?.status, engine?.release];
    };
    expect(await release()).toEqual(['RUNNING', undefined]);
    flink.answers['/overview'] = 'overview.json';
    expect(await release()).toEqual(['RUNNING', '2.3.0']);
  } finally {
    flink.stop();
  }
});

test('where nothing of a job runs, what it and jobs that are yet to start need is named', async () => {
  const uri = '/state/orders/flink/checkpoints/theirs/chk-1';
  const other = job('other', undefined, { state: { restore: { uri } } });
  expect(await neededOf(job('orders', ran), [other])).toEqual(['/mine', uri]);
});

test.each([
  ['has never run', job('orders')],
  ['runs on the embedded engine', job('orders', ran, { engine: { type: 'Embedded' } })],
])('nothing may be cleared away of a job that %s', async (_, one) => {
  expect(await neededOf(one)).toBeUndefined();
});

test('nothing may be cleared away while a process of the job runs; one that is prepared for the next attempt has no job', async () => {
  processes = [{ role: 'TaskManager', epoch: 1, index: 0, state: 'Running' }];
  expect(await neededOf(job('orders', ran))).toBeUndefined();
  processes = [{ role: 'JobManager', epoch: 2, index: 0, state: 'Running' }];
  const jobId = 'b'.repeat(32);
  const prepared = { epoch: 2, jobId, specHash: '', since: '2026-01-01T00:00:00Z' };
  expect(await neededOf(job('orders', { ...ran, prepared }))).toEqual(['/mine']);
  expect(asked.at(-1)!.preparedJobId).toBe(jobId);
});
