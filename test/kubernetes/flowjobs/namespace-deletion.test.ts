// A namespace is deleted in the middle of an upgrade: it goes, and the operator goes on with the jobs of others. On the way, what guards a job's pods.
import { until } from '../../harness/until.ts';
import { installOperator, Jobs, kubectl, NAMESPACE, uninstallOperator } from './operator.ts';
import { runs } from './streams.ts';

const kept = new Jobs(NAMESPACE);
const leaving = new Jobs(`${NAMESPACE}-leaving`);
/** An operator of one namespace would lose its rights with it. */
const ofAllNamespaces = process.env['FLOWJOB_TEST_SCOPE'] === undefined;

const stream = (version: number): object => ({
  mode: 'Streaming',
  taskManager: { slots: 1 },
  state: { checkpoint: { interval: '500ms' } },
  job: {
    sql: {
      inline: `CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n + ${version} FROM numbers;`,
    },
  },
});

beforeAll(async () => {
  await kept.createNamespace();
  await leaving.createNamespace();
  await installOperator();
}, 500_000);

afterAll(async () => {
  await kept.removeNamespace();
  await kubectl.run('delete', 'namespace', leaving.namespace, '--ignore-not-found');
  await uninstallOperator();
}, 500_000);

test('a NetworkPolicy lets the pods of a job reach each other, everybody the REST port, and nobody anything else', async () => {
  await kept.apply('kept', stream(1));
  await kept.until('kept', 'runs', runs, 180);
  const { spec } = await kubectl.get<{ spec: object }>('networkpolicy', 'kept', '-n', NAMESPACE);
  const own = { podSelector: { matchLabels: { 'flowjob.dev/job': 'kept' } } };
  expect(spec).toEqual({
    ...own,
    policyTypes: ['Ingress'],
    ingress: [{ from: [own] }, { ports: [{ port: 8081, protocol: 'TCP' }] }],
  });
}, 400_000);

(ofAllNamespaces ? test : test.skip)(
  'a namespace that is deleted in the middle of an upgrade goes, and jobs elsewhere go on to be looked after',
  async () => {
    await leaving.apply('leaving', stream(1));
    await leaving.until('leaving', 'runs', runs, 180);
    await leaving.apply('leaving', stream(2));
    await leaving.until(
      'leaving',
      'is being upgraded',
      ({ status }) => status?.state !== 'Running' || status.attempt?.epoch === 2,
    );
    await kubectl.run('delete', 'namespace', leaving.namespace, '--wait=false');
    await until(
      'the namespace is gone',
      async () =>
        (await kubectl.run('get', 'namespace', leaving.namespace, '--ignore-not-found')).trim() === '' || null,
      { seconds: 240, every: 500 },
    );
    await kept.apply('kept', stream(2));
    await kept.until('kept', 'runs its second version', (job) => runs(job) && job.status?.attempt?.epoch === 2, 180);
  },
  700_000,
);
