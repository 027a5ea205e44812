// The SQL text in a ConfigMap, in real pods: it comes late, is edited, and what runs keeps its text.
import { installOperator, Jobs, kubectl, NAMESPACE, uninstallOperator } from './operator.ts';

const jobs = new Jobs(NAMESPACE);
const condition = (job: Awaited<ReturnType<Jobs['get']>>, type: string) =>
  job.status?.conditions.find((one) => one.type === type);

beforeAll(async () => {
  await jobs.createNamespace();
  await installOperator();
}, 180_000);

afterAll(async () => {
  await jobs.removeNamespace();
  await uninstallOperator();
}, 120_000);

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
  await jobs.until('orders', 'says that the ConfigMap is missing', says(/there is no ConfigMap "orders-sql"/), 10);
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
  await jobs.until('orders', 'says that it is gone', says(/there is no ConfigMap .* The accepted version goes on/), 10);
  await kubectl.run('delete', 'pod', 'orders-2-jobmanager', '-n', jobs.namespace, '--grace-period=0', '--force');
  const recovered = await jobs.until(
    'orders',
    'runs again',
    ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 3,
  );
  expect(recovered.status?.accepted?.spec.job.sql.inline).toBe(text(2));
}, 240_000);
