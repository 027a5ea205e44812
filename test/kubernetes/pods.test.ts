// Pods of the project's image run on the cluster as they would on anybody's.
import { until } from '../harness/until.ts';
import { clusterFolder } from './folder.ts';
import { kubectlOf } from './cluster.ts';
import { ownCluster } from './own-cluster.ts';
import { reclaimVolumes } from './volumes.ts';
import { tellingItsEnd, wholeLog } from './whole-log.ts';

const folder = clusterFolder();
const kubectl = kubectlOf(folder);
const NAMESPACE = 'pods-test';

interface Pod {
  status: { phase: string; podIP?: string };
}

/** A pod that the strictest pod security lets in: no root, no rights, nothing to write to. */
const pod = (name: string, command: string[], more: { labels?: object; claim?: string } = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: NAMESPACE, labels: more.labels ?? {} },
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        image: 'flowjob:dev',
        command,
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: more.claim === undefined ? [] : [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: more.claim === undefined ? [] : [{ name: 'data', persistentVolumeClaim: { claimName: more.claim } }],
  },
});

const claim = (name: string, volumeName?: string): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    ...(volumeName && { volumeName }),
  },
});

/** Runs a pod until it has done its work, and removes it; its log. */
async function complete(name: string, command: string[], claimed?: string): Promise<string> {
  await kubectl.apply([pod(name, tellingItsEnd(command), claimed === undefined ? {} : { claim: claimed })]);
  const log = await wholeLog(kubectl, name, NAMESPACE);
  await kubectl.run('delete', 'pod', name, '-n', NAMESPACE, '--grace-period=0', '--force');
  return log.trim();
}

async function phase(name: string, wanted: string): Promise<Pod> {
  return until(
    `pod ${name} is ${wanted}`,
    async () => {
      const found = await kubectl.get<Pod>('pod', name, '-n', NAMESPACE);
      if (found.status.phase === wanted) return found;
      throw new Error(await kubectl.run('get', 'pod', name, '-n', NAMESPACE, '-o', 'jsonpath={.status}'));
    },
    { seconds: 90, every: 200 },
  );
}

beforeAll(async () => {
  await kubectl.run('delete', 'namespace', NAMESPACE, '--ignore-not-found');
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }]);
}, 240_000);

afterAll(async () => {
  await kubectl.run('delete', 'namespace', NAMESPACE);
}, 240_000);

test('the command line runs in a pod, as a user without rights', async () => {
  expect(await complete('version', ['flowjob', '--version'])).toMatch(/^\d+\.\d+\.\d+$/);
  expect(await complete('node', ['node', '-p', 'process.versions.node.split(".")[0] + " " + process.getuid()'])).toBe(
    '24 10001',
  );
}, 240_000);

test('JobManager, TaskManager and its worker threads run from the image on a read-only root file system', async () => {
  const sql = `
    CREATE TABLE words (word STRING) WITH ('connector' = 'filesystem', 'path' = '/data/words', 'format' = 'csv');
    SELECT word, COUNT(*) AS n FROM words GROUP BY word`;
  const script = `mkdir /data/words && printf 'to\nbe\nor\nnot\nto\nbe\n' > /data/words/file.csv &&
    cat > /data/job.sql <<'END' && TMPDIR=/data flowjob run /data/job.sql\n${sql}\nEND`;
  await kubectl.apply([claim('engine')]);
  const table = await complete('engine', ['sh', '-c', script], 'engine');
  expect(table).toMatch(/be +2/);
  expect(table).toMatch(/not +1/);
}, 240_000);

test('a pod finds another through a Service and its name', async () => {
  const serve = "require('http').createServer((_, answer) => answer.end('it is me')).listen(8080)";
  const labels = { app: 'server' };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'server', namespace: NAMESPACE },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  };
  await kubectl.apply([pod('server', ['node', '-e', serve], { labels }), service]);
  await phase('server', 'Running');
  const ask = (host: string): string => `
    const ask = () => fetch('http://${host}').then((a) => a.text()).then(console.log, () => setTimeout(ask, 100));
    ask();`;
  expect(await complete('asks-short', ['node', '-e', ask('server')])).toBe('it is me');
  expect(await complete('asks-long', ['node', '-e', ask(`server.${NAMESPACE}.svc.cluster.local`)])).toBe('it is me');
}, 300_000);

test('exec reaches a running pod', async () => {
  expect(await kubectl.run('exec', 'server', '-n', NAMESPACE, '--', 'hostname')).toBe('server\n');
}, 180_000);

/** The volumes of a cluster of the developer's are made by its provisioner. */
const onOurCluster = ownCluster(folder) === null ? test : test.skip;

onOurCluster(
  'what one pod writes to a claimed volume, the next one reads; a deleted claim frees it, emptied',
  async () => {
    await kubectl.apply([claim('data')]);
    await complete('writes', ['sh', '-c', 'echo kept > /data/file'], 'data');
    expect(await complete('reads', ['cat', '/data/file'], 'data')).toBe('kept');
    const volume = await kubectl.run('get', 'pvc', 'data', '-n', NAMESPACE, '-o', 'jsonpath={.spec.volumeName}');
    await kubectl.run('delete', 'pvc', 'data', '-n', NAMESPACE);
    await until('the volume is reclaimed', async () => (await reclaimVolumes(folder, kubectl)).includes(volume), {
      seconds: 90,
    });
    await kubectl.apply([claim('data', volume)]);
    expect(await complete('finds-nothing', ['ls', '-A', '/data'], 'data')).toBe('');
  },
  400_000,
);
