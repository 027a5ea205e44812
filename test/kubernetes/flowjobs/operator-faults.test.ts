// What happens to the operator happens to no job: replicas die and hang, the chart is upgraded, the same manifest comes again and again.
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../harness/until.ts';
import { clusterFolder } from '../folder.ts';
import { full } from '../full.ts';
import { ownCluster } from '../own-cluster.ts';
import {
  installOperator,
  Jobs,
  killOperator,
  kubectl,
  leader,
  NAMESPACE,
  SYSTEM,
  uninstallOperator,
} from './operator.ts';
import { counting, expectEachOnce, makeSharedVolume, runs, untilMoreRows } from './streams.ts';
import { pausePod } from './paused-process.ts';

const jobs = new Jobs(NAMESPACE);
const onOurCluster = ownCluster(clusterFolder()) === null;

beforeAll(async () => {
  await jobs.createNamespace();
  await installOperator();
  await makeSharedVolume(jobs);
  await jobs.apply('steady', counting('steady'));
  await jobs.until('steady', 'runs', runs, 180);
}, 600_000);

afterAll(async () => {
  await jobs.removeNamespace();
  await uninstallOperator();
}, 500_000);

interface Written {
  kind: string;
  metadata: { name: string; uid: string; resourceVersion: string };
  /** Of events. */
  reportingComponent?: string;
}

/**
 * Everything that the operator could have written, each with its version. Pods it makes and deletes alone; their status is the kubelet's, which on a busy node
 * finds one unready for a moment and tells of it in an event.
 */
async function versions(): Promise<Record<string, string>> {
  const kinds =
    'flowjobs,flowsavepoints,pods,configmaps,secrets,services,networkpolicies,persistentvolumeclaims,events';
  const { items } = await kubectl.get<{ items: Written[] }>(kinds, '-n', NAMESPACE);
  return Object.fromEntries(
    items
      .filter(({ kind, reportingComponent }) => kind !== 'Event' || reportingComponent === 'flowjob.dev/operator')
      .map(({ kind, metadata: { name, uid, resourceVersion } }) => [
        `${kind}/${name}`,
        kind === 'Pod' ? uid : `${uid}@${resourceVersion}`,
      ]),
  );
}

const uids = async (job: string): Promise<string[]> =>
  (await jobs.pods(job)).map(({ metadata }) => metadata.uid).sort();

/** Another replica than `before` leads, and acts: a change of the annotation that pauses a job is answered. */
async function untilLedByAnother(before: string): Promise<void> {
  await until('another replica leads', async () => (await leader()) !== before || null, { seconds: 120, every: 200 });
  const paused = (on: boolean) => (job: Parameters<typeof runs>[0]) =>
    (job.status?.conditions.some(({ type }) => type === 'Paused') ?? false) === on;
  await kubectl.run('annotate', 'flowjob', 'steady', '-n', NAMESPACE, 'flowjob.dev/pause=true', '--overwrite');
  await jobs.until('steady', 'is paused by the new leader', paused(true), 120);
  await kubectl.run('annotate', 'flowjob', 'steady', '-n', NAMESPACE, 'flowjob.dev/pause-');
  await jobs.until('steady', 'goes on under the new leader', paused(false), 120);
}

test(`an identical manifest applied every 3 s for ${full ? 60 : 12} s changes nothing, and the operator writes nothing`, async () => {
  await until(
    'nothing is under way',
    async () => {
      const before = JSON.stringify(await versions());
      await delay(2_000);
      return JSON.stringify(await versions()) === before || null;
    },
    { seconds: 120 },
  );
  const before = await versions();
  for (let round = 0; round < (full ? 20 : 4); round++) {
    await jobs.apply('steady', counting('steady'));
    await delay(3_000);
  }
  expect(await versions()).toEqual(before);
}, 500_000);

test('a leader that is deleted hands over, and no pod of a job restarts', async () => {
  const [before, pods] = [await leader(), await uids('steady')];
  await killOperator();
  await untilLedByAnother(before);
  expect(await uids('steady')).toEqual(pods);
}, 500_000);

(onOurCluster ? test : test.skip)(
  'a leader that hangs is replaced, and writes nothing when it goes on',
  async () => {
    const [before, pods] = [await leader(), await uids('steady')];
    const { metadata } = await kubectl.get<{ metadata: { uid: string } }>('pod', before, '-n', SYSTEM);
    const goOn = pausePod(metadata.uid);
    try {
      await untilLedByAnother(before);
    } finally {
      goOn();
    }
    const after = await leader();
    await untilMoreRows('steady', NAMESPACE);
    expect(await leader()).toBe(after);
    expect(await uids('steady')).toEqual(pods);
  },
  500_000,
);

test('helm upgrades the operator, and no pod of a job restarts', async () => {
  const [before, pods] = [await leader(), await uids('steady')];
  await installOperator('--set', 'podAnnotations.example\\.dev/revision=two');
  await untilLedByAnother(before);
  expect(await uids('steady')).toEqual(pods);
}, 600_000);

test('an operator that is killed in the middle of an upgrade leaves it to the next one, and each row is there once', async () => {
  await jobs.apply('steady', counting('steady', {}, 2));
  // A look that comes late finds it done: then the operator dies after it.
  await jobs.until(
    'steady',
    'is being upgraded',
    ({ status }) => status?.state !== 'Running' || status.attempt?.epoch === 2,
    90,
  );
  await killOperator();
  await jobs.until('steady', 'runs its second version', (job) => runs(job) && job.status?.attempt?.epoch === 2, 240);
  await untilMoreRows('steady', NAMESPACE);
  const rows = await expectEachOnce(jobs, 'steady');
  const versionsSeen = rows.map(({ version }) => version);
  expect(versionsSeen).toEqual([...versionsSeen].sort());
  expect(new Set(versionsSeen)).toEqual(new Set([1, 2]));
}, 700_000);

test('a job whose Secret is deleted by hand goes on in another attempt under an operator that cannot know its token, and each row is there once', async () => {
  await jobs.apply('bereft', counting('bereft'));
  await jobs.until('bereft', 'runs', runs, 180);
  await untilMoreRows('bereft', NAMESPACE);
  const before = await leader();
  await kubectl.run('delete', 'secret', 'bereft-1', '-n', NAMESPACE);
  await killOperator();
  await until('another replica leads', async () => (await leader()) !== before || null, { seconds: 120, every: 200 });
  await jobs.until('bereft', 'runs again', (job) => runs(job) && job.status?.attempt?.epoch === 2, 240);
  await untilMoreRows('bereft', NAMESPACE);
  await expectEachOnce(jobs, 'bereft');
}, 600_000);
