// ControllerRevisions beside a real API server: kept once, renumbered when they come back, taken from nobody.
import { KubernetesRevisions, CONTROLLER_REVISIONS } from '../../src/store/kubernetes/kubernetes-revisions.ts';
import type { ResolvedFlowJobSpec } from '../../src/api/resolved.ts';
import { startFixture, type Fixture } from './kernel/fixture.ts';

let fixture: Fixture;
let revisions: KubernetesRevisions;
const key = { namespace: 'default', name: 'orders' };
const owner = { key, uid: '11111111-2222-3333-4444-555555555555' };
const spec = { job: { sql: { inline: 'SELECT 1' } } } as ResolvedFlowJobSpec;

beforeAll(async () => {
  fixture = await startFixture();
  revisions = new KubernetesRevisions(fixture.client);
}, 240_000);
afterAll(async () => fixture.stop(), 180_000);

test('a version is owned by its FlowJob, has another number when it is accepted again, and goes when it is to go', async () => {
  await revisions.put(owner, { name: 'orders-a', revision: 1, spec });
  await revisions.put(owner, { name: 'orders-a', revision: 1, spec });
  await revisions.put(owner, { name: 'orders-a', revision: 3, spec });
  const stored = await fixture.client.get(CONTROLLER_REVISIONS, { namespace: 'default', name: 'orders-a' });
  expect(stored).toMatchObject({
    revision: 3,
    data: { spec },
    metadata: { ownerReferences: [{ kind: 'FlowJob', name: 'orders', controller: true }] },
  });
  expect(await revisions.list(owner)).toEqual([{ name: 'orders-a', revision: 3 }]);
  expect(await revisions.list({ key, uid: 'another-orders' })).toEqual([]);
  await revisions.remove(owner, 'orders-a');
  await revisions.remove(owner, 'orders-a');
  expect(await revisions.list(owner)).toEqual([]);
});

test('a name that somebody else has is not taken', async () => {
  await revisions.put({ key, uid: '99999999-2222-3333-4444-555555555555' }, { name: 'orders-b', revision: 1, spec });
  await expect(revisions.put(owner, { name: 'orders-b', revision: 1, spec })).rejects.toThrow(/NOT_OURS|controls it/);
});
