// The chart as it runs: helm's own test, and what each of two replicas says of itself to the kubelet and to Prometheus.
import { until } from '../../harness/until.ts';
import { helm, Jobs, killOperator, kubectl, leader, NAMESPACE, SYSTEM, withOperator } from './operator.ts';

const jobs = new Jobs(NAMESPACE);

withOperator(jobs);

const ask = (pod: string, path: string): Promise<string> =>
  kubectl.run('get', '--raw', `/api/v1/namespaces/${SYSTEM}/pods/${pod}:8080/proxy${path}`);

async function replicas(): Promise<string[]> {
  const names = await kubectl.run(
    ...['get', 'pods', '-n', SYSTEM, '-l', 'app.kubernetes.io/name=flowjob-operator'],
    ...['-o', 'jsonpath={.items[*].metadata.name}'],
  );
  return names.split(' ');
}

test('helm test runs a batch job to its end and leaves nothing of it', async () => {
  await helm('test', 'flowjob', '--timeout', '150s');
  const left = async (): Promise<string> => {
    const kinds = 'flowjobs,persistentvolumeclaims,pods,serviceaccounts,roles';
    const found = await Promise.all(
      [NAMESPACE, SYSTEM].map((namespace) => kubectl.run('get', kinds, '-n', namespace, '-o', 'name')),
    );
    return found
      .join('')
      .split('\n')
      .filter((name) => name.includes('flowjob-test'))
      .join(' ');
  };
  // A claim goes once no pod has it any more.
  await until(
    'nothing is left of it',
    async () => {
      const names = await left();
      if (names !== '') throw new Error(names);
      return true;
    },
    { seconds: 90 },
  );
}, 500_000);

test('both replicas are ready with their caches synced; one leads, and it alone tells of the jobs', async () => {
  await jobs.apply('idle', { mode: 'Streaming', suspend: true, job: { sql: { inline: 'SELECT 1' } } });
  await jobs.until('idle', 'is suspended', ({ status }) => status?.state === 'Suspended');
  const leads = await leader();
  const pods = await replicas();
  expect(pods).toHaveLength(2);
  for (const pod of pods) {
    expect(await ask(pod, '/readyz')).toBe('ok\n');
    expect(await ask(pod, '/healthz')).toBe('ok\n');
    const metrics = await ask(pod, '/metrics');
    expect(metrics).toContain(`leader_election_master_status{name="flowjob"} ${pod === leads ? 1 : 0}\n`);
    expect(metrics.includes('flowjob_state{')).toBe(pod === leads);
  }
  expect(await ask(leads, '/metrics')).toContain(
    `flowjob_state{namespace="${NAMESPACE}",name="idle",state="Suspended"} 1`,
  );
}, 240_000);

test('when the leader goes the other one takes over, and a job that is deleted takes its series with it', async () => {
  const before = await leader();
  await killOperator();
  const after = await until(
    'another one leads',
    async () => [await leader()].find((name) => name !== '' && name !== before) ?? null,
    { seconds: 120 },
  );
  await until('it tells of the jobs', async () => (await ask(after, '/metrics')).includes('name="idle"'), {
    seconds: 90,
  });
  await kubectl.run('delete', 'flowjob', 'idle', '-n', NAMESPACE);
  await until('it tells no more of the job', async () => !(await ask(after, '/metrics')).includes('name="idle"'), {
    seconds: 90,
  });
}, 400_000);
