// What the API server refuses, in its own words, and what a user is told to do about it.
import { ApiError } from '../../kube/errors.ts';
import { isNamespaceGoing, refusalOf, Refusals } from './refusals.ts';

const key = { namespace: 'default', name: 'orders' };
const no = (reason: string, message: string, status = 403): ApiError =>
  new ApiError('POST /api/v1/namespaces/default/pods', status, { reason, message });

test.each([
  [
    'a quota',
    'pods "a" is forbidden: exceeded quota: few, requested: pods=1, used: pods=0, limited: pods=0',
    'raise the ResourceQuota',
  ],
  [
    'pod security',
    'pods "a" is forbidden: violates PodSecurity "restricted:latest": host namespaces',
    'relax the level',
  ],
  [
    'a limit range',
    'pods "a" is forbidden: maximum memory usage per Container is 64Mi, but limit is 512Mi',
    'LimitRange',
  ],
  ['missing rights', 'pods is forbidden: User "x" cannot create resource "pods"', 'give the operator its rights back'],
])('%s is told with the remedy', (_name, message, remedy) => {
  expect(refusalOf(no('Forbidden', message))).toMatch(new RegExp(`403 Forbidden: .* -> .*${remedy}`));
});

test('a template that makes no pod is told, and other errors are not refusals', () => {
  expect(refusalOf(no('Invalid', 'spec.containers[0].name: Required value', 422))).toContain(
    'correct what podTemplate adds',
  );
  expect(refusalOf(no('AlreadyExists', 'it exists', 409))).toBeNull();
  expect(refusalOf(no('InternalError', 'etcd', 500))).toBeNull();
  expect(refusalOf(new Error('broken'))).toBeNull();
});

test('a refusal stands until the work succeeds, and is tried again after one, two, four, then five seconds', async () => {
  const refusals = new Refusals(() => 0);
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    await refusals.during(key, () => Promise.reject(no('Forbidden', 'exceeded quota')));
    waits.push(refusals.get(key)!.retryAt);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  await refusals.during(key, () => Promise.resolve());
  expect(refusals.get(key)).toBeNull();
  await expect(refusals.during(key, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});

test('a namespace that goes is told apart from one that refuses', () => {
  const going = new ApiError('POST /pods', 403, {
    reason: 'Forbidden',
    details: { causes: [{ reason: 'NamespaceTerminating' }] },
  });
  expect(isNamespaceGoing(going)).toBe(true);
  expect(isNamespaceGoing(no('Forbidden', 'exceeded quota'))).toBe(false);
});
