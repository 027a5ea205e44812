// A cluster that the user has is used as it is and left as it is.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { kubernetesCache } from './binaries.ts';
import { run } from './command.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowjob-own-cluster-'));
let theirs: ControlPlane;

/** The command line for a user whose kubeconfig knows the cluster `theirs`, with a state folder of its own. */
const cluster = async (...args: string[]): Promise<string> =>
  run(process.execPath, ['test/kubernetes/main.ts', ...args], {
    env: {
      ...process.env,
      PATH: `${kubernetesCache('bin')}:${process.env['PATH']}`,
      KUBECONFIG: theirs.kubeconfig(),
      XDG_STATE_HOME: folder,
    },
  });
const ours = join(folder, 'flowjob', 'cluster', 'kubeconfig');

beforeAll(async () => {
  theirs = await startControlPlane({ folder: join(folder, 'theirs') });
}, 240_000);

afterAll(async () => {
  await theirs.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('up with a context says whose cluster is used and writes its kubeconfig; down leaves it running', async () => {
  expect(await cluster('up', '--context', 'flowjob')).toContain('using your cluster flowjob');
  const config = parse(readFileSync(ours, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  expect(config.clusters[0]!.cluster.server).toBe(theirs.server);
  expect(await cluster('status')).toContain('your cluster flowjob is in use');
  expect(await cluster('load')).toContain('docker build');
  await cluster('down');
  expect(await cluster('status')).toBe('nothing is up\n');
  expect((await theirs.apiServer.get('/readyz')).status).toBe(200);
}, 180_000);

test('a context that there is not changes nothing', async () => {
  await cluster('up', '--context', 'flowjob');
  await expect(cluster('up', '--context', 'no-such')).rejects.toThrow('no-such');
  expect(await cluster('status')).toContain('your cluster flowjob is in use');
}, 180_000);
