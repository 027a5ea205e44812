// What a command says when the cluster fails in ways that a real one does not on demand. nock stands in for the API server.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nock } from '../../kube/testing/nock.ts';
import { clusterCli } from './cluster-cli.fixture.ts';
import { kubeconfig } from './kubeconfig.fixture.ts';

const JOBS = '/apis/flowjob.dev/v1alpha1/namespaces/default/flowjobs';

const place = clusterCli();

const run = (line: string): Promise<{ code: number; out: string; err: string }> =>
  place.cli.run(`${line} --kubeconfig k`);
const status = (code: number, reason: string, message: string, details: object = {}): object => ({
  kind: 'Status',
  code,
  reason,
  message,
  details,
});
const anyQuery = (): boolean => true;
const job = (name: string, resourceVersion: string, more: object = {}): object => ({
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { namespace: 'default', name, uid: `uid-${name}`, resourceVersion, generation: 1 },
  spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } } },
  status: { observedGeneration: 1, conditions: [], ...more },
});

test('a server that refuses connections is told at once, with context, address and remedy', async () => {
  nock.enableNetConnect();
  // No port of that number answers anywhere.
  writeFileSync(join(place.cli.directory, 'k'), kubeconfig('https://127.0.0.1:1'));
  const { code, err } = await run('get');
  expect(code).toBe(1);
  expect(err).toMatch(
    /^error: the API server https:\/\/127\.0\.0\.1:1\/ of context "test" cannot be reached: .*ECONNREFUSED/,
  );
  expect(err).toMatch(/Is the cluster up.*--context.*--local/);
});

test('credentials that have expired are told as such', async () => {
  place.api
    .get(JOBS)
    .query(anyQuery)
    .twice()
    .reply(401, status(401, 'Unauthorized', 'Unauthorized'));
  expect((await run('get')).err).toMatch(/does not know who you are: the credentials of context "test" have expired/);
});

test('a cluster without the CustomResourceDefinitions brings the command that installs them', async () => {
  place.api.get(JOBS).query(anyQuery).reply(404, '404 page not found\n');
  expect((await run('get')).err).toMatch(/knows no FlowJobs: .*helm install flowjob helm\/flowjob-operator/);
});

test('a refusal of an admission webhook is passed on in its own words', async () => {
  const said = 'admission webhook "policy.example" denied the request: no jobs on Fridays';
  writeFileSync(join(place.cli.directory, 'a.json'), JSON.stringify(job('a', '')));
  place.api
    .get('/apis/flowjob.dev/v1alpha1')
    .query(anyQuery)
    .reply(200, {
      resources: [{ name: 'flowjobs', singularName: 'flowjob', kind: 'FlowJob', namespaced: true }],
    });
  place.api
    .get(`${JOBS}/a`)
    .query(anyQuery)
    .reply(404, status(404, 'NotFound', 'not found', { name: 'a' }));
  place.api
    .patch(`${JOBS}/a`)
    .query(anyQuery)
    .reply(403, status(403, 'Forbidden', said));
  const { code, err } = await run('apply -f a.json');
  expect([code, err]).toEqual([1, `error: a.json: FlowJob "a": ${said}\nNothing was changed.`]);
});

test('checkpoints that may not be asked for are told as such, and the rest is shown', async () => {
  const attempt = { epoch: 2, jobId: 'a'.repeat(32) };
  const said =
    'secrets "a-2" is forbidden: User "u" cannot get resource "secrets" in API group "" in the namespace "default"';
  place.api
    .get(`${JOBS}/a`)
    .query(anyQuery)
    .reply(200, job('a', '5', { state: 'Running', attempt }));
  place.api.get('/api/v1/namespaces/default/events').query(anyQuery).reply(200, { metadata: {}, items: [] });
  place.api
    .get('/api/v1/namespaces/default/secrets/a-2')
    .query(anyQuery)
    .reply(403, status(403, 'Forbidden', said));
  const { code, out } = await run('describe a');
  expect(code).toBe(0);
  expect(out).toContain('State: Running');
  expect(out).toMatch(/^Checkpoints: not shown: you may not get secrets in namespace default: user "u"/m);
});

test('a kubeconfig that is not there, or lacks the context, is told with what to do', async () => {
  expect((await place.cli.run('get --kubeconfig nowhere')).err).toMatch(
    /the kubeconfig cannot be read: .*nowhere.*--kubeconfig FILE.*--local/,
  );
  expect((await run('get --context nix')).err).toMatch(/has no context "nix"; it has: test/);
});
