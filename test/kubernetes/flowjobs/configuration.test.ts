// What a job is made of besides its FlowJob, in real pods: SQL text in a ConfigMap that comes late, is edited and goes, and Secrets that show nowhere.
import type { FlowJobSpec } from '../../../src/api/flowjob.ts';
import type { FlowSavepoint } from '../../../src/api/flowsavepoint.ts';
import { until } from '../../harness/until.ts';
import { full } from '../full.ts';
import { IMAGE, Jobs, kubectl, NAMESPACE, SYSTEM, withOperator } from './operator.ts';
import { condition } from './streams.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const text = (version: number): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'fields.n.kind' = 'sequence',
  'fields.n.start' = '0', 'fields.n.end' = '1000000');
CREATE TABLE seen (n BIGINT, version INT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv');
INSERT INTO seen SELECT n, ${version} FROM numbers;`;

const configMap = (data: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'orders-sql', namespace: jobs.namespace },
  data,
});

test('a job waits for its ConfigMap and its key, is upgraded by an edit, and outlives both', async () => {
  await jobs.apply('orders', {
    mode: 'Streaming',
    state: { checkpoint: { interval: '500ms' } },
    job: { sql: { configMapKeyRef: { name: 'orders-sql', key: 'job.sql' } } },
  });
  const says = (what: RegExp) => (job: Awaited<ReturnType<Jobs['get']>>) => {
    const stalled = condition(job, 'Stalled');
    return stalled?.reason === 'SqlNotFound' && what.test(stalled.message);
  };
  await jobs.until('orders', 'says that the ConfigMap is missing', says(/there is no ConfigMap "orders-sql"/), 60);
  await kubectl.apply([configMap({ 'other.sql': text(1) })]);
  await jobs.until(
    'orders',
    'says that the key is missing',
    says(/has no key "job.sql"; it has the keys "other.sql"/),
    10,
  );
  expect(await jobs.pods('orders')).toEqual([]);

  await kubectl.apply([configMap({ 'job.sql': text(1) })]);
  await jobs.until('orders', 'runs', ({ status }) => status?.attempt?.healthy === true);
  await kubectl.apply([configMap({ 'job.sql': text(2) })]);
  const upgraded = await jobs.until(
    'orders',
    'runs its second version',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
  );
  expect(upgraded.status?.attempt?.restoreFrom).toBe(upgraded.status?.lastSavepoint?.path);

  await kubectl.run('delete', 'configmap', 'orders-sql', '-n', jobs.namespace);
  await jobs.until('orders', 'says that it is gone', says(/there is no ConfigMap .* The accepted version goes on/), 60);
  const uid = async (): Promise<string | undefined> =>
    (await jobs.pods('orders')).find(({ metadata }) => metadata.name.endsWith('-jobmanager'))?.metadata.uid;
  const lost = await uid();
  await kubectl.run('delete', 'pod', 'orders-2-jobmanager', '-n', jobs.namespace, '--grace-period=0', '--force');
  await until('another JobManager runs', async () => ![undefined, lost].includes(await uid()) || null, {
    seconds: 120,
    every: 200,
  });
  const recovered = await jobs.get('orders');
  expect(recovered.status?.accepted?.spec.job.sql?.inline).toBe(text(2));
  const { items } = await kubectl.get<{ items: { revision: number; data: { spec: FlowJobSpec } }[] }>(
    'controllerrevisions',
    '-n',
    jobs.namespace,
    '-l',
    'flowjob.dev/job=orders',
  );
  const texts = items.sort((a, b) => a.revision - b.revision).map(({ data }) => data.spec.job.sql?.inline);
  expect(texts).toEqual([text(1), text(2)]);
}, 600_000);

test('a job waits for its Secret and its key, uses the value, and shows it nowhere', async () => {
  const canary = 'c4nary/7f3e+b0==';
  const row = `1,7\\n2,${canary}`;
  const sql = `
CREATE TABLE rows_in (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/in', 'format' = 'csv',
  'csv.null-literal' = '\${secret:db:password}');
CREATE TABLE kept (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'json');
INSERT INTO kept SELECT id, v FROM rows_in;`;
  // The rows are put on the volume before any process of the job reads them: by a container of its JobManager's pod that comes first.
  const put = {
    name: 'put',
    image: IMAGE,
    command: ['sh', '-c', 'mkdir -p /flowjob/state/in && printf "$ROWS" > /flowjob/state/in/rows.csv'],
    env: [{ name: 'ROWS', valueFrom: { secretKeyRef: { name: 'rows', key: 'csv' } } }],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'state', mountPath: '/flowjob/state' }],
  };
  const secret = (name: string, stringData: Record<string, string>): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: jobs.namespace },
    stringData,
  });
  await kubectl.apply([secret('rows', { csv: row })]);
  await jobs.apply('secretive', {
    mode: 'Batch',
    jobManager: { podTemplate: { spec: { initContainers: [put] } } },
    job: { sql: { inline: sql } },
  });
  const says = (what: RegExp) => (job: Awaited<ReturnType<Jobs['get']>>) => {
    const ready = condition(job, 'Ready');
    return ready?.reason === 'PodNotStarting' && what.test(ready.message);
  };
  await jobs.until('secretive', 'says that the Secret is missing', says(/secret "db" not found.*make the Secret/s));
  await kubectl.apply([secret('db', { user: 'me' })]);
  await jobs.until('secretive', 'says that the key is missing', says(/couldn't find key password in Secret/));
  await kubectl.apply([secret('db', { password: canary })]);
  await jobs.until('secretive', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True', 240);

  const shown = await Promise.all(
    ['flowjobs', 'configmaps', 'controllerrevisions', 'pods', 'events'].map((kind) =>
      kubectl.run('get', kind, '-n', jobs.namespace, '-o', 'yaml'),
    ),
  );
  shown.push(
    await kubectl.run('get', 'secret', 'secretive-1', '-n', jobs.namespace, '-o', 'jsonpath={.data.job\\.sql}'),
  );
  shown.push(await kubectl.run('logs', '-n', SYSTEM, '-l', 'app.kubernetes.io/name=flowjob-operator', '--tail=-1'));
  const onVolume = await jobs.onVolume(
    'secretive',
    `cat /flowjob/state/out/part-*; echo; grep -rl c4nary /flowjob/state --exclude-dir=in || echo nowhere`,
  );
  expect(onVolume.trim().split('\n')).toEqual(['{"id":1,"v":7}', '{"id":2,"v":null}', '', 'nowhere']);
  const encoded = Buffer.from(canary).toString('base64').slice(0, 12);
  for (const text of shown) {
    expect(text).not.toContain('c4nary');
    expect(text).not.toContain(encoded);
  }
  expect(shown[0]).toContain('${secret:db:password}');
}, 600_000);

// Two minutes have to begin.
(full ? test : test.skip)(
  'the schedule takes savepoints of which the newest stay, and what nobody asks for any more goes',
  async () => {
    await jobs.apply('scheduled', {
      mode: 'Streaming',
      state: { checkpoint: { interval: '500ms' }, savepoints: { schedule: '* * * * *', retain: { count: 1 } } },
      job: { sql: { inline: text(1) } },
    });
    const savepoints = async (): Promise<FlowSavepoint[]> => {
      const selector = 'flowjob.dev/job=scheduled,flowjob.dev/scheduled=true';
      return (await kubectl.get<{ items: FlowSavepoint[] }>('flowsavepoints', '-n', jobs.namespace, '-l', selector))
        .items;
    };
    const complete = async (not: string): Promise<FlowSavepoint | null> => {
      const found = (await savepoints()).filter(({ status }) => status?.state === 'Completed');
      return found.length === 1 && found[0]!.metadata.name !== not ? found[0]! : null;
    };
    const first = await until('a savepoint is complete', () => complete(''), { seconds: 240, every: 500 });
    expect(first.metadata.annotations?.['flowjob.dev/scheduled-at']).toMatch(/:00\.000Z$/);
    await until('the next one is alone', () => complete(first.metadata.name), { seconds: 240, every: 500 });
  },
  700_000,
);

test('a batch job that is to be deleted after its end is gone with all that was its', async () => {
  const sql = `CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n FROM numbers;`;
  await jobs.apply('passing', { mode: 'Batch', batch: { deleteAfterFinished: '1s' }, job: { sql: { inline: sql } } });
  await kubectl.run('wait', '--for=delete', 'flowjob/passing', '-n', jobs.namespace, '--timeout=240s');
  await jobs.untilNoPods('passing');
  const selector = ['-n', jobs.namespace, '-l', 'flowjob.dev/job=passing'];
  await until(
    'its revisions are gone',
    async () => (await kubectl.get<{ items: object[] }>('controllerrevisions', ...selector)).items.length === 0 || null,
    { seconds: 120, every: 500 },
  );
}, 500_000);
