// The control plane that other tests stand on is real: it forgets, refuses and comes back as a production one does.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isAlive, startTimeOf } from '../../src/store/local/process-identity.ts';
import { kubernetesCache } from './binaries.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { Kubectl } from './kubectl.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowjob-control-plane-'));
let plane: ControlPlane;
let kubectl: Kubectl;

const start = async (name: string): Promise<ControlPlane> =>
  startControlPlane({ folder: join(folder, name), users: [{ name: 'reader', groups: ['readers'] }] });
const kubectlFor = (of: ControlPlane, user?: string): Kubectl =>
  new Kubectl(kubernetesCache('bin', 'kubectl'), of.kubeconfig(user));
const configMap = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

beforeAll(async () => {
  plane = await start('one');
  kubectl = kubectlFor(plane);
}, 900_000);

afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('users are told apart by their tokens, and RBAC decides what they may do', async () => {
  const reader = kubectlFor(plane, 'reader');
  await expect(reader.run('get', 'configmaps')).rejects.toThrow('User "reader" cannot list resource "configmaps"');
  await kubectl.run('create', 'clusterrole', 'read', '--verb=list', '--resource=configmaps');
  await kubectl.run('create', 'clusterrolebinding', 'readers', '--clusterrole=read', '--group=readers');
  await expect(reader.run('get', 'configmaps')).resolves.toContain('kube-root-ca.crt');
  await expect(reader.run('create', 'configmap', 'mine')).rejects.toThrow('cannot create resource "configmaps"');
});

test('a killed API server comes back on the same address, with the same certificate and what it stored', async () => {
  const certificate = readFileSync(plane.certificateAuthority, 'utf8');
  await kubectl.apply([configMap('kept')]);
  await plane.apiServer.kill();
  await expect(kubectl.run('get', 'configmap', 'kept')).rejects.toThrow('refused');
  await plane.apiServer.start();
  await expect(kubectl.run('get', 'configmap', 'kept')).resolves.toContain('kept');
  expect(readFileSync(plane.certificateAuthority, 'utf8')).toBe(certificate);
}, 240_000);

test('after a compaction and a restart, a watch from before is answered with 410', async () => {
  const before = await kubectl.run('get', '--raw', '/api/v1/namespaces/default/configmaps');
  const { metadata } = JSON.parse(before) as { metadata: { resourceVersion: string } };
  await kubectl.apply([configMap('later'), configMap('later-still')]);
  await plane.etcd.compact();
  await plane.apiServer.restart();
  const path = `/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=${metadata.resourceVersion}`;
  const first = await firstLine(plane, path);
  expect(JSON.parse(first)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
}, 240_000);

test('two run side by side and know nothing of each other', async () => {
  const other = await start('two');
  try {
    await kubectl.apply([configMap('only-in-one')]);
    await expect(kubectlFor(other).run('get', 'configmap', 'only-in-one')).rejects.toThrow('NotFound');
    const server = (control: ControlPlane): unknown =>
      parse(readFileSync(control.kubeconfig(), 'utf8')).clusters[0].cluster.server;
    expect(server(other)).not.toBe(server(plane));
  } finally {
    await other.stop();
  }
}, 240_000);

test('stop ends every process and removes the folder', async () => {
  const other = await start('three');
  const pids = other.processes.states().map(({ pid }) => ({ pid, startTime: startTimeOf(pid)! }));
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  await other.stop();
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  expect(existsSync(other.folder)).toBe(false);
}, 240_000);

/** The first event of a watch. */
async function firstLine(of: ControlPlane, path: string): Promise<string> {
  return new Promise((done, failed) => {
    const options = { ca: readFileSync(of.certificateAuthority), headers: { authorization: `Bearer ${of.token()}` } };
    const asked = request(of.server + path, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!text.includes('\n')) return;
        asked.destroy();
        done(text.slice(0, text.indexOf('\n')));
      });
    });
    asked.on('error', failed);
    asked.end();
  });
}
