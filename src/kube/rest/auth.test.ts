// Kubeconfig files, rotating tokens, exec plugins: what KubeConfig makes of them, and that we do not ask it more often than we must.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { loadAuthentication, type KubeConfigAuthentication } from './auth.ts';

const folder = mkdtempSync(join(tmpdir(), 'kube-auth-'));
const file = join(folder, 'config');
const clock = new VirtualClock();

afterAll(() => rmSync(folder, { recursive: true }));

function write(user: object, cluster: object = {}): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://kube.test:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'team' } },
      { name: 'broken', context: { cluster: 'gone', user: 'u' } },
    ],
    'current-context': 'one',
  };
  writeFileSync(file, JSON.stringify(config));
}

const load = (context?: string): Promise<KubeConfigAuthentication> => loadAuthentication({ file, context, clock });
const authorization = async (of: KubeConfigAuthentication): Promise<string | undefined> =>
  (await of.credentials()).headers['authorization'];

test('server, token and namespace come from the context; the agent keeps connections and is kept itself', async () => {
  write({ token: 'secret' });
  const authentication = await load();
  const first = await authentication.credentials();
  expect(first.server.href).toBe('https://kube.test:6443/');
  expect(first.headers).toEqual({ authorization: 'Bearer secret' });
  expect(authentication.namespace).toBe('team');
  await clock.advance(60_000);
  const second = await authentication.credentials();
  expect(second.agent).toBe(first.agent);
  expect(first.agent).toMatchObject({ keepAlive: true });
});

test('a user with a password speaks Basic', async () => {
  write({ username: 'me', password: 'pass' });
  expect(await authorization(await load())).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
});

test('an exec plugin runs once for requests at the same moment, and again once it is over or its token was refused', async () => {
  const counter = join(folder, 'runs');
  const program = join(folder, 'plugin.cjs');
  const source = `
    const fs = require('node:fs');
    fs.appendFileSync(${JSON.stringify(counter)}, 'x');
    const token = 'token-' + fs.readFileSync(${JSON.stringify(counter)}, 'utf8').length;
    console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }));`;
  writeFileSync(program, source);
  writeFileSync(counter, '');
  write({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [program] } });
  const authentication = await load();
  const tokens = await Promise.all([1, 2, 3].map(() => authorization(authentication)));
  expect(tokens).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-1']);
  await clock.advance(9_000);
  expect(await authorization(authentication)).toBe('Bearer token-1');
  await clock.advance(2_000);
  expect(await authorization(authentication)).toBe('Bearer token-2');
  authentication.renew('credentials');
  expect(await authorization(authentication)).toBe('Bearer token-3');
  expect(readFileSync(counter, 'utf8')).toBe('xxx');
});

test('an exec plugin that fails is an error that says so, and is asked again the next time', async () => {
  write({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: join(folder, 'none') } });
  const authentication = await load();
  const failed = {
    code: 'CONFIG',
    message: expect.stringContaining('no credentials for context "one": spawn') as string,
  };
  await expect(authentication.credentials()).rejects.toMatchObject(failed);
  await expect(authentication.credentials()).rejects.toMatchObject(failed);
});

test('a token that was refused is read anew from the kubeconfig', async () => {
  write({ token: 'old' });
  const authentication = await load();
  expect(await authorization(authentication)).toBe('Bearer old');
  write({ token: 'new' });
  authentication.renew('credentials');
  expect(await authorization(authentication)).toBe('Bearer new');
});

test('another certificate authority means another agent, a proxy one that knows its way', async () => {
  write({ token: 't' });
  const authentication = await load();
  const plain = (await authentication.credentials()).agent;
  write({ token: 't' }, { 'certificate-authority-data': Buffer.from('ca').toString('base64') });
  authentication.renew('credentials');
  const withAuthority = (await authentication.credentials()).agent;
  expect(withAuthority).not.toBe(plain);
  write({ token: 't' }, { 'proxy-url': 'http://proxy.test:3128' });
  authentication.renew('credentials');
  expect((await authentication.credentials()).agent.constructor.name).toBe('HttpsProxyAgent');
});

test('a configuration that leads nowhere is refused at once, and says what there is', async () => {
  write({ token: 't' });
  await expect(load('two')).rejects.toMatchObject({
    code: 'CONFIG',
    message: 'the kubeconfig has no context "two"; it has: one, broken',
  });
  await expect(load('broken')).rejects.toThrow('context "broken" names a cluster that the kubeconfig lacks');
  await expect(loadAuthentication({ file: join(folder, 'none'), clock })).rejects.toMatchObject({ code: 'CONFIG' });
  writeFileSync(file, '{');
  await expect(load()).rejects.toMatchObject({ code: 'CONFIG' });
});
