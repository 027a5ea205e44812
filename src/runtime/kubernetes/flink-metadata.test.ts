// What an attempt's high availability needs on Kubernetes, as manifests.
import { parse } from 'yaml';
import type { Attempt } from '../../api/status.ts';
import type { AttemptPlan } from '../port.ts';
import type { ChildManifest } from './children.ts';
import { agrees, metadataMaps, rightsOf } from './flink-metadata.ts';
import { flinkPlan } from './flink-plan.fixture.ts';
import { flinkFiles, flinkJobManagerPod, flinkTaskManagerPod } from './flink-pods.ts';

const jobId = `12345678${'a'.repeat(24)}`;

const planOf = (spec: object = {}, attempt: Partial<Attempt> = {}): AttemptPlan =>
  flinkPlan(spec, { jobId, ...attempt });

const place = { index: 0, restarts: 0, jobManagerAddress: '10.0.0.7' };
const podsOf = (plan: AttemptPlan, highAvailability: boolean) => [
  flinkJobManagerPod(plan, { image: 'flowjob:dev', highAvailability }),
  flinkTaskManagerPod(plan, place, { highAvailability }),
];
const configOf = (plan: AttemptPlan, highAvailability: boolean): Record<string, string> =>
  parse(flinkFiles(plan, { highAvailability })['config.yaml']!) as Record<string, string>;

function mapsOf(plan: AttemptPlan): ChildManifest[] {
  const { leader, checkpoints } = metadataMaps(plan);
  return [leader, checkpoints];
}
const namesOf = (plan: AttemptPlan): string[] => mapsOf(plan).map(({ metadata }) => metadata.name);

test('all attempts of a run have the same ConfigMaps, which go with the job', () => {
  expect(namesOf(planOf())).toEqual(['orders-12345678-cluster-config-map', `orders-12345678-${jobId}-config-map`]);
  expect(namesOf(planOf({}, { epoch: 4 }))).toEqual(namesOf(planOf()));
  expect(namesOf(planOf({}, { jobId: 'b'.repeat(32) }))).not.toEqual(namesOf(planOf()));
  for (const { metadata } of mapsOf(planOf()))
    expect(metadata).toMatchObject({
      labels: { app: 'orders-12345678', 'configmap-type': 'high-availability', 'flowjob.dev/job': 'orders' },
      ownerReferences: [{ kind: 'FlowJob', uid: 'u' }],
    });
});

test('the job has the right to its two ConfigMaps, and to make none', () => {
  const { account, role, binding } = rightsOf(planOf());
  const names = namesOf(planOf());
  const verbs = ['get', 'list', 'watch', 'update', 'patch', 'delete'];
  expect(role['rules']).toEqual([{ apiGroups: [''], resources: ['configmaps'], resourceNames: names, verbs }]);
  expect(account?.metadata.name).toBe('orders-flink');
  expect(binding).toMatchObject({ roleRef: { name: 'orders-flink' }, subjects: [{ name: 'orders-flink' }] });
});

test('an account that a template names is given the right; where both do, none is made', () => {
  const template = (serviceAccountName: string): object => ({ podTemplate: { spec: { serviceAccountName } } });
  const one = planOf({ jobManager: template('mine') });
  expect(rightsOf(one).account).not.toBeNull();
  expect(rightsOf(one).binding['subjects']).toMatchObject([{ name: 'mine' }, { name: 'orders-flink' }]);
  const both = planOf({ jobManager: template('mine'), taskManager: template('mine') });
  expect(rightsOf(both).account).toBeNull();
  expect(rightsOf(both).binding['subjects']).toMatchObject([{ name: 'mine' }]);
  expect(podsOf(both, true).map(({ spec }) => spec['serviceAccountName'])).toEqual(['mine', 'mine']);
});

test('its pods speak to the API server; without high availability they have no token', () => {
  for (const { spec, metadata } of podsOf(planOf(), true)) {
    expect(spec).toMatchObject({ automountServiceAccountToken: true, serviceAccountName: 'orders-flink' });
    expect(metadata.labels).toMatchObject({ 'flowjob.dev/high-availability': 'kubernetes' });
  }
  for (const { spec } of podsOf(planOf(), false)) {
    expect(spec).toMatchObject({ automountServiceAccountToken: false });
    expect(spec).not.toHaveProperty('serviceAccountName');
  }
});

test('Flink is told of its ConfigMaps by the id of the run, and keeps results beside its state', () => {
  expect(configOf(planOf(), true)).toMatchObject({
    'high-availability.type': 'kubernetes',
    'kubernetes.cluster-id': 'orders-12345678',
    'kubernetes.namespace': 'a',
    'high-availability.storageDir': 'file:///flowjob/state/orders/flink/ha/runs',
    'job-result-store.storage-path': `file:///flowjob/state/orders/flink/ha/results/${jobId}`,
    'job-result-store.delete-on-commit': 'false',
  });
  expect(Object.keys(configOf(planOf(), false)).filter((key) => /^(high-availability|kubernetes)\./.test(key))).toEqual(
    [],
  );
});

test.each([
  ['the checkpoint that it names as its newest', '/s/checkpoints/a/chk-10', [9, 10], true],
  ['one that was completed without it', '/s/checkpoints/a/chk-11', [9, 10], false],
  ['one that it has seen newer ones of', '/s/checkpoints/a/chk-9', [9, 10], false],
  ['a savepoint', '/s/savepoints/b/savepoint-a-b', [9, 10], false],
  ['nothing', undefined, [9, 10], false],
  ['a checkpoint of which it holds nothing', '/s/checkpoints/a/chk-10', [], false],
])('what its ConfigMap says stays only when a run goes on from just that: %s', (_, resumeFrom, ids, stays) => {
  const plan = planOf({}, resumeFrom === undefined ? {} : { resumeFrom });
  const data = Object.fromEntries(ids.map((id) => [`checkpointID-${String(id).padStart(19, '0')}`, 'x']));
  expect(agrees({ ...data, counter: '11' }, plan)).toBe(stays);
  expect(agrees(undefined, plan)).toBe(false);
});
