// High availability of FlowJobs on Apache Flink in real pods, under the chart's own rights: what has finished does not run again, what is lost goes on, nothing is left.
// What a job has without it stands beside that. With --full.
import { AS_EXPECTED, deviationFromEachOnce } from '../../harness/each-once.ts';
import { until } from '../../harness/until.ts';
import { metadataNames, METADATA_SELECTOR } from '../../../src/engine-client/flink/high-availability.ts';
import type { Attempt } from '../../../src/api/status.ts';
import { full } from '../full.ts';
import { Jobs, kubectl, NAMESPACE, SYSTEM, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { foundCheckpoint, healthyIn, numbers, seen, stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);

const inNamespace = ['-n', jobs.namespace] as const;

async function operators(replicas: number): Promise<void> {
  await kubectl.run('scale', 'deployment', 'flowjob', '-n', SYSTEM, `--replicas=${replicas}`);
  if (replicas === 0)
    await kubectl.run(
      ...[
        'wait',
        'pod',
        '-n',
        SYSTEM,
        '-l',
        'app.kubernetes.io/name=flowjob-operator',
        '--for=delete',
        '--timeout=120s',
      ],
    );
}

async function namesOf(kind: string, selector: string): Promise<string[]> {
  const { items } = await kubectl.get<{ items: { metadata: { name: string } }[] }>(
    kind,
    ...inNamespace,
    '-l',
    selector,
  );
  return items.map(({ metadata }) => metadata.name);
}

/** Of the ConfigMaps of the attempt's run. */
function namesOfMaps(job: string, { jobId }: Attempt): string[] {
  const { leader, checkpoints } = metadataNames({ job, jobId });
  return [leader, checkpoints].sort();
}

/** What the Role of a job names. */
async function rightsOf(job: string): Promise<string[]> {
  const { rules } = await kubectl.get<{ rules: { resourceNames: string[] }[] }>('role', `${job}-flink`, ...inNamespace);
  return rules.flatMap(({ resourceNames }) => resourceNames).sort();
}

/** The attempt has gone back to a checkpoint of its own. */
async function untilRestored(name: string, epoch: number): Promise<void> {
  await until(
    `attempt ${epoch} has gone back to a checkpoint`,
    async () =>
      /Restoring job \w+ from Checkpoint/.test(
        await kubectl.run('logs', `${name}-${epoch}-jobmanager`, ...inNamespace),
      ),
    { seconds: 240, every: 1000 },
  );
}

async function deviation(name: string, rows: number): Promise<object> {
  return deviationFromEachOnce(
    (await seen(jobs, name)).map(({ n }) => n),
    rows,
  );
}

async function batchUntilRunning(name: string): Promise<void> {
  const sql = numbers(2_000, 100, 1).replace("'rows-per-second'", "'number-of-rows' = '2000', 'rows-per-second'");
  await jobs.apply(name, stream(sql, { mode: 'Batch', state: {} }));
  await jobs.until(name, 'runs', ({ status }) => status?.state === 'Running', 180);
}

/** Lets a job come to its end while no operator looks, and takes its JobManager away before one does. */
async function endUnseen(name: string, epoch: number, isOnRecord: () => Promise<boolean>): Promise<void> {
  await operators(0);
  const jobManager = `${name}-${epoch}-jobmanager`;
  await until(
    'the run has ended',
    async () =>
      (await kubectl.run('logs', jobManager, ...inNamespace)).includes('reached terminal state FINISHED') &&
      (await isOnRecord()),
    { seconds: 180, every: 1000 },
  );
  await kubectl.run('delete', 'pod', jobManager, ...inNamespace, '--grace-period=0', '--force');
  await operators(2);
}

/** Flink says that a job has ended before it writes that down. */
const isOnRecord = (name: string, jobId: string) => async (): Promise<boolean> =>
  (await jobs.onVolume(name, `cat ${state(name)}/ha/results/${jobId}/*.json 2>/dev/null || true`)).includes(
    'SUCCEEDED',
  );

async function runsIn(name: string, epoch: number): Promise<Attempt> {
  return (await healthyIn(jobs, name, epoch, 400)).status!.attempt!;
}

const state = (name: string): string => `/flowjob/state/${name}/flink`;

/** Ids of the runs of which there are checkpoints. */
async function runsWithCheckpoints(name: string): Promise<string[]> {
  return (await jobs.onVolume(name, `ls ${state(name)}/checkpoints`)).trim().split('\n').sort();
}

/** Upgrades of a stream from checkpoint to checkpoint, and what they leave. */
function clearing(name: string, heir: string): void {
  const inAttempt = async (epoch: number): Promise<string> => {
    const spec = stream(numbers(1_000_000, 50, epoch), {
      upgrade: { strategy: 'LastState' },
      deletionPolicy: 'Delete',
    });
    await jobs.apply(name, spec);
    return (await healthyIn(jobs, name, epoch)).status!.attempt!.jobId;
  };

  test('checkpoints of earlier runs go once no job needs them, also one that is yet to start', async () => {
    const first = await inAttempt(1);
    const restore = { uri: `${state(name)}/checkpoints/${first}/chk-1` };
    await jobs.apply(heir, stream(numbers(1, 1, 1), { suspend: true, state: { restore } }));
    const second = await inAttempt(2);
    const third = await inAttempt(3);
    const fourth = await inAttempt(4);
    expect(await runsWithCheckpoints(name)).toEqual([first, second, third, fourth].sort());
    await kubectl.run('delete', 'flowjob', heir, ...inNamespace);
    // What the run before began from stays, as that could have been rolled back to it.
    const fifth = await inAttempt(5);
    expect(await runsWithCheckpoints(name)).toEqual([third, fourth, fifth].sort());
    await kubectl.run('delete', 'flowjob', name, ...inNamespace, '--timeout=120s');
  }, 900_000);
}

(full ? describe : describe.skip)('a job on Flink that is highly available', () => {
  withOperator(jobs, '--set', 'flink.highAvailability.enabled=true');

  /** Whatever becomes of a test that has sent them away. */
  afterEach(async () => operators(2), 60_000);

  test('a batch that finishes while no operator looks, and whose JobManager is lost then, does not run again', async () => {
    await batchUntilRunning('away');
    const { attempt } = (await jobs.get('away')).status!;
    await endUnseen('away', 1, isOnRecord('away', attempt!.jobId));
    const done = await jobs.until('away', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True', 180);
    expect(done.status).toMatchObject({ state: 'Finished', attempt: { epoch: 1, ended: 'Finished' } });
    await jobs.untilNoPods('away');
    expect(await deviation('away', 2_000)).toEqual(AS_EXPECTED);
  }, 600_000);

  test('a stream that loses its JobManager goes on as the same run; one that loses its ConfigMaps goes on from the volume', async () => {
    await jobs.apply('lost', stream(numbers(9_000, 100, 1)));
    const first = await jobs.until('lost', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
    await kubectl.run('delete', 'pod', 'lost-1-jobmanager', ...inNamespace, '--grace-period=0', '--force');
    const second = await jobs.until(
      'lost',
      'runs in another attempt',
      ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 2,
      180,
    );
    expect(second.status?.attempt?.jobId).toBe(first.status?.attempt?.jobId);
    const restored = await foundCheckpoint(jobs, 'lost', 2);
    expect(second.status?.attempt?.resumeFrom).toMatch(new RegExp(`/chk-${restored}$`));

    await kubectl.run('delete', 'configmap', ...inNamespace, '-l', `flowjob.dev/job=lost,${METADATA_SELECTOR}`);
    await jobs.until(
      'lost',
      'runs in a third attempt',
      ({ status }) => status?.attempt?.healthy === true && status.attempt.epoch === 3,
      180,
    );
    await jobs.until('lost', 'has come to its end', ({ status }) => status?.state === 'Finished', 300);
    await jobs.untilNoPods('lost');
    expect(await deviation('lost', 9_000)).toEqual(AS_EXPECTED);
  }, 900_000);

  test('the ConfigMaps and rights of a job go with it, and nothing else does', async () => {
    const labels = { 'configmap-type': 'high-availability', type: 'flink-native-kubernetes' };
    const metadata = { name: 'gone-00000000-cluster-config-map', namespace: jobs.namespace, labels };
    await kubectl.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata }]);
    await jobs.apply('gone', stream(numbers(1_000_000, 50, 1)));
    await jobs.until('gone', 'runs', ({ status }) => status?.attempt?.healthy === true, 180);
    expect(await namesOf('configmaps', `flowjob.dev/job=gone,${METADATA_SELECTOR}`)).toHaveLength(2);
    await kubectl.run('delete', 'flowjob', 'gone', ...inNamespace);
    for (const kind of ['configmaps', 'serviceaccounts', 'roles', 'rolebindings'])
      await until(`no ${kind} are left`, async () => (await namesOf(kind, 'flowjob.dev/job=gone')).length === 0, {
        seconds: 60,
      });
    expect(await namesOf('configmaps', METADATA_SELECTOR)).toContain('gone-00000000-cluster-config-map');
  }, 400_000);

  test('a version that was up before its job loses its TaskManager and its JobManager, and goes on as the same run each time', async () => {
    await jobs.apply('ahead', stream(numbers(1_000_000, 100, 1)));
    const first = await runsIn('ahead', 1);
    await jobs.apply('ahead', stream(numbers(1_000_000, 100, 2)));
    const second = await runsIn('ahead', 2);
    expect(second.session).toBe(true);
    expect(await rightsOf('ahead')).toEqual(namesOfMaps('ahead', second));

    await kubectl.run('delete', 'pod', 'ahead-2-taskmanager-0', ...inNamespace, '--grace-period=0', '--force');
    await untilRestored('ahead', 2);

    await kubectl.run('delete', 'pod', 'ahead-2-jobmanager', ...inNamespace, '--grace-period=0', '--force');
    const third = await runsIn('ahead', 3);
    expect(third.jobId).toBe(second.jobId);
    expect(third.session).toBeUndefined();
    expect(third.resumeFrom).toMatch(new RegExp(`/chk-${await foundCheckpoint(jobs, 'ahead', 3)}$`));

    await jobs.apply('ahead', stream(numbers(1_000_000, 100, 3)));
    const fourth = await runsIn('ahead', 4);
    expect(fourth.session).toBe(true);
    const left = await namesOf('configmaps', `flowjob.dev/job=ahead,${METADATA_SELECTOR}`);
    for (const name of namesOfMaps('ahead', first)) expect(left).not.toContain(name);
    await jobs.apply('ahead', stream(numbers(1_000_000, 100, 3), { suspend: true }));
    await jobs.until('ahead', 'is suspended', ({ status }) => status?.state === 'Suspended', 180);
    await jobs.untilNoPods('ahead');
    const rows = await seen(jobs, 'ahead');
    expect(
      deviationFromEachOnce(
        rows.map(({ n }) => n),
        rows.length,
      ),
    ).toEqual(AS_EXPECTED);
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1, 2, 3]));
  }, 1_200_000);

  test('a version that was up before its job, comes to its end while no operator looks, and loses its JobManager then, does not run again', async () => {
    // Slow, so that much is left for the version after it.
    await jobs.apply('ended', stream(numbers(15_000, 20, 1)));
    await runsIn('ended', 1);
    await jobs.apply('ended', stream(numbers(15_000, 100, 2)));
    const { jobId, session } = await runsIn('ended', 2);
    expect(session).toBe(true);
    await endUnseen('ended', 2, isOnRecord('ended', jobId));
    const done = await jobs.until('ended', 'has come to its end', ({ status }) => status?.state === 'Finished', 180);
    expect(done.status).toMatchObject({ attempt: { epoch: 2, ended: 'Finished' } });
    await jobs.untilNoPods('ended');
    expect(await deviation('ended', 15_000)).toEqual(AS_EXPECTED);
  }, 900_000);

  clearing('cleared', 'heir');
});

(full ? describe : describe.skip)('a job on Flink that is not', () => {
  withOperator(jobs, '--set', 'flink.highAvailability.enabled=false');

  afterEach(async () => operators(2), 60_000);

  test('a batch that finishes while no operator looks, and whose JobManager is lost then, runs again', async () => {
    await batchUntilRunning('away');
    await endUnseen('away', 1, async () => true);
    const done = await jobs.until('away', 'is Complete', (job) => condition(job, 'Complete')?.status === 'True', 240);
    expect(done.status?.attempt?.epoch).toBe(2);
    await jobs.untilNoPods('away');
    expect(await namesOf('configmaps', METADATA_SELECTOR)).toEqual([]);
  }, 600_000);

  clearing('cleared', 'heir');
});
