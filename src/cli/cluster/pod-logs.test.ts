// Of which attempt `flowjob logs` prints. nock stands in for the API server.
import { LABEL, ROLE } from '../../runtime/kubernetes/names.ts';
import { clusterCli } from './cluster-cli.fixture.ts';

const PODS = '/api/v1/namespaces/default/pods';

const place = clusterCli();

const jobManager = (epoch: number): string => `orders-${epoch}-jobmanager`;

/** Of each of these attempts a JobManager runs. */
function podsOf(...epochs: number[]): void {
  const items = epochs.map((epoch) => ({
    metadata: {
      ...{ namespace: 'default', name: jobManager(epoch), uid: `uid-${epoch}`, resourceVersion: '1' },
      labels: {
        ...{ [LABEL.job]: 'orders', [LABEL.role]: ROLE.JobManager, [LABEL.attempt]: String(epoch) },
        ...{ [LABEL.index]: '0', [LABEL.restarts]: '0' },
      },
    },
    status: { phase: 'Running' },
  }));
  place.api
    .get(PODS)
    .query(() => true)
    .reply(200, { metadata: { resourceVersion: '1' }, items });
}

function hasLog(epoch: number): void {
  place.api
    .get(`${PODS}/${jobManager(epoch)}/log`)
    .query(() => true)
    .reply(200, `of attempt ${epoch}\n`);
}

function jobRunsIn(epoch: number): void {
  place.api
    .get('/apis/flowjob.dev/v1alpha1/namespaces/default/flowjobs/orders')
    .query(() => true)
    .reply(200, {
      ...{ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowJob', spec: {} },
      metadata: { namespace: 'default', name: 'orders', uid: 'uid', resourceVersion: '1' },
      status: { observedGeneration: 1, conditions: [], attempt: { epoch } },
    });
}

async function logs(...options: string[]): Promise<string> {
  const { out, err } = await place.cli.run(['logs orders --kubeconfig k', ...options].join(' '));
  return `${out}${err}`;
}

test('the log is that of the attempt that the job runs in, not of one that is up before its job', async () => {
  podsOf(3, 4);
  jobRunsIn(3);
  hasLog(3);
  expect(await logs()).toContain('of attempt 3');
});

test('once the attempt is decided on and has no pod yet, it is that of the last before it', async () => {
  podsOf(2, 3, 5);
  jobRunsIn(4);
  hasLog(3);
  expect(await logs()).toContain('of attempt 3');
});

test('the attempt that is named is not looked up', async () => {
  podsOf(3, 4);
  hasLog(4);
  expect(await logs('--attempt 4')).toContain('of attempt 4');
});

test('where there are pods of one attempt alone, rights on pods are enough', async () => {
  podsOf(4);
  hasLog(4);
  expect(await logs()).toContain('of attempt 4');
});

test('with --previous it is that of the attempt before the one that the job runs in', async () => {
  podsOf(2, 3, 4);
  jobRunsIn(3);
  hasLog(2);
  expect(await logs('--previous')).toContain('of attempt 2');
});
