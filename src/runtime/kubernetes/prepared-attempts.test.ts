import { ApiError } from '../../kube/errors.ts';
import { flinkPlan } from './flink-plan.fixture.ts';
import { PreparedAttempts, type PreparedAttemptsOptions } from './prepared-attempts.ts';

const attempts = (options: Partial<PreparedAttemptsOptions> = {}): PreparedAttempts =>
  new PreparedAttempts({
    now: () => 0,
    make: async () => undefined,
    stop: () => undefined,
    handOver: async () => undefined,
    ...options,
  });

test('streams on Flink 2.0 and later are started before their job', () => {
  const { spec } = flinkPlan();
  expect(attempts().supports(spec)).toBe(true);
  expect(attempts().supports({ ...spec, engine: { type: 'Flink', version: '2.0' } })).toBe(true);
  expect(attempts().supports({ ...spec, engine: { type: 'Flink', version: '1.20' } })).toBe(false);
  expect(attempts().supports({ ...spec, engine: { type: 'Embedded' } })).toBe(false);
  expect(attempts().supports({ ...spec, mode: 'Batch' })).toBe(false);
  expect(attempts().supports({ ...spec, engine: { type: 'Flink', clusterRef: { name: 'shared' } } })).toBe(false);
});

test('a refusal is on record until the attempt is dropped, with the remedy', async () => {
  const plan = flinkPlan({}, { session: true });
  const refused = new ApiError('POST /api/v1/namespaces/a/pods', 403, {
    reason: 'Forbidden',
    message: 'pods "orders-3-jobmanager" is forbidden: exceeded quota: room',
  });
  const stopped: number[] = [];
  const prepared = attempts({
    make: async () => Promise.reject(refused),
    stop: (_, epoch) => void stopped.push(epoch),
  });
  await prepared.ensure(plan);
  expect(prepared.refusal(plan.key)).toMatch(/exceeded quota: room -> raise the ResourceQuota/);
  prepared.drop(plan.key, 3);
  expect(prepared.refusal(plan.key)).toBeNull();
  expect(stopped).toEqual([3]);
});
