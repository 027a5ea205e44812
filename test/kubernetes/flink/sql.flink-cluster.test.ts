// SQL on Apache Flink in real pods: Secrets that it refers to, which reach the connector and stand in no object, log, command line or answer; and mode Automatic.
import { Jobs, kubectl, NAMESPACE, SYSTEM, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { until } from '../../harness/until.ts';
import { numbers, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);
/** With what separates and ends strings and statements in SQL. */
const CANARY = "c4nary';\n/7f3e+b0==";

withOperator(jobs);

const secret = (stringData: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db', namespace: NAMESPACE },
  stringData,
});

/** The canary stands for NULL in its files. */
const sql = `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20', 'fields.n.kind' = 'sequence',
  'fields.n.start' = '0', 'fields.n.end' = '1000000');
CREATE TABLE seen (n BIGINT, nothing INT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv',
  'csv.null-literal' = '\${secret:db:password}', 'sink.rolling-policy.rollover-interval' = '1 s',
  'sink.rolling-policy.check-interval' = '500 ms');
INSERT INTO seen SELECT n, CAST(NULL AS INT) FROM numbers;`;

const says = (what: RegExp) => (job: Awaited<ReturnType<Jobs['get']>>) => {
  const ready = condition(job, 'Ready');
  return ready?.reason === 'PodNotStarting' && what.test(ready.message);
};

/** What Flink's REST API answers to whoever reaches it. */
async function answers(): Promise<string[]> {
  const pod = await kubectl.get<{ status: { podIP: string } }>('pod', 'secretive-1-jobmanager', '-n', NAMESPACE);
  const rest = `http://${pod.status.podIP}:8081`;
  const { jobs: listed } = (await (await fetch(`${rest}/jobs`)).json()) as { jobs: { id: string }[] };
  const job = `/jobs/${listed[0]!.id}`;
  const { vertices } = (await (await fetch(rest + job)).json()) as { vertices: { id: string }[] };
  const paths = [
    ...['', '/plan', '/config', '/exceptions', '/checkpoints', '/accumulators', '/jobmanager/config'].map(
      (path) => job + path,
    ),
    ...['/jobmanager/config', '/jobmanager/environment', '/jobmanager/thread-dump', '/applications/overview'],
    ...vertices.map(({ id }) => `${job}/vertices/${id}`),
  ];
  return Promise.all(paths.map(async (path) => (await fetch(rest + path)).text()));
}

test('a stream waits for its Secret and its key, uses the value, and shows it nowhere', async () => {
  await jobs.apply('secretive', stream(sql));
  await jobs.until(
    'secretive',
    'says that the Secret is missing',
    says(/secret "db" not found.*make the Secret/s),
    180,
  );
  await kubectl.apply([secret({ user: 'me' })]);
  await jobs.until('secretive', 'says that the key is missing', says(/couldn't find key password in Secret/));
  await kubectl.apply([secret({ password: CANARY })]);
  await jobs.until('secretive', 'runs', ({ status }) => status?.attempt?.healthy === true, 240);

  // Quotes, and lines in quotes: as CSV writes it.
  const output = await until(
    'its output is visible',
    async () => (await jobs.onVolume('secretive', 'cat /flowjob/state/out/part-* 2>/dev/null || true')) || null,
    { seconds: 60 },
  );
  expect(output).toContain('c4nary');

  const kinds = ['flowjobs', 'configmaps', 'controllerrevisions', 'pods', 'events'];
  const shown = await Promise.all([
    ...kinds.map((kind) => kubectl.run('get', kind, '-n', NAMESPACE, '-o', 'yaml')),
    kubectl.run('get', 'secret', 'secretive-1', '-n', NAMESPACE, '-o', 'jsonpath={.data.job\\.sql}'),
    kubectl.run('logs', '-n', SYSTEM, '-l', 'app.kubernetes.io/name=flowjob-operator', '--tail=-1'),
    ...['jobmanager', 'taskmanager-0'].map((pod) =>
      kubectl.run('logs', `secretive-1-${pod}`, '-n', NAMESPACE, '--all-containers'),
    ),
    kubectl.run(
      ...['exec', 'secretive-1-jobmanager', '-c', 'jobmanager', '-n', NAMESPACE, '--'],
      ...['sh', '-c', 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr "\\0" "\\n"; ls -l /flowjob/sql/'],
    ),
    jobs.onVolume('secretive', 'grep -rl c4nary /flowjob/state --exclude-dir=out || echo nowhere'),
  ]);
  const told = [...shown, ...(await answers())];
  const encoded = Buffer.from(CANARY).toString('base64').slice(0, 8);
  for (const text of told) {
    expect(text).not.toContain('c4nary');
    expect(text).not.toContain(encoded);
  }
  expect(shown[0]).toContain('${secret:db:password}');
  const [log, processes, onVolume] = [shown[7], shown[9], shown[10]];
  expect(log).toContain('Completed checkpoint');
  expect(processes).toMatch(/-r-------- .* job\.sql/);
  expect(onVolume!.trim()).toBe('nowhere');
}, 900_000);

test('a job with mode Automatic proves itself by a checkpoint, and is Complete at the end of its input', async () => {
  await jobs.apply('automatic', stream(numbers(2_000, 100, 1), { mode: 'Automatic' }));
  await jobs.until('automatic', 'runs', ({ status }) => status?.attempt?.healthy === true, 240);
  await jobs.until('automatic', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True', 240);
}, 600_000);
