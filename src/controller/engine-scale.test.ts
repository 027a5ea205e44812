import type { FlowJob } from '../api/flowjob.ts';
import type { Attempt, Scaling } from '../api/status.ts';
import { EngineClientError, type EngineClient } from '../engine-client/engine-client.ts';
import { RescaleRefusals, refusalOf, scaleOf } from './engine-scale.ts';

const attempt = { epoch: 12, jobId: 'ab'.repeat(16) } as Attempt;
const refused = (status: number): EngineClientError =>
  new EngineClientError('ENGINE_REFUSED', `GET /jobs/x/resource-requirements: no (${status})`, status);

function engine(requirements: () => Promise<object>, ids: string[] = []): EngineClient {
  return {
    jobDetails: async () => ({
      state: 'RUNNING',
      vertices: [
        { id: 'a', parallelism: 2, maxParallelism: 128, tasks: { RUNNING: 2, FAILED: 0 } },
        { id: 'b', parallelism: 1, maxParallelism: 1, tasks: { RUNNING: 0, DEPLOYING: 1 } },
      ],
    }),
    taskManagers: async () => ({ taskmanagers: ids.map((id) => ({ id, slotsNumber: 2, freeSlots: 1 })) }),
    resourceRequirements: requirements,
  } as unknown as EngineClient;
}
const bounds = async () => ({ a: { parallelism: { lowerBound: 1, upperBound: 4 } } });

test('vertices are told with what they have and what was asked of them, TaskManagers by the index in their names', async () => {
  const ids = ['my-7-taskmanager-1-12-taskmanager-3', 'orders-12-taskmanager-10-2', 'orders-11-taskmanager-0', 'mine'];
  expect(await scaleOf(engine(bounds, ids), attempt, 'Embedded')).toEqual({
    refusal: null,
    vertices: [
      { id: 'a', parallelism: 2, maxParallelism: 128, upperBound: 4, running: true },
      { id: 'b', parallelism: 1, maxParallelism: 1, upperBound: 1, running: false },
    ],
    taskManagers: [3, 10, undefined, undefined].map((index) => ({ index, slots: 2, freeSlots: 1 })),
  });
});

test('an engine that does not rescale says so; one that is gone, or not up yet, says nothing', async () => {
  const { refusal } = await scaleOf(
    engine(() => Promise.reject(refused(400))),
    attempt,
    'Embedded',
  );
  expect(refusal).toBe('GET /jobs/x/resource-requirements: no (400)');
  for (const status of [404, 409, 503]) {
    const asked = scaleOf(
      engine(() => Promise.reject(refused(status))),
      attempt,
      'Embedded',
    );
    await expect(asked).rejects.toThrow(`(${status})`);
  }
  expect(() => refusalOf(new EngineClientError('ENGINE_UNREACHABLE', 'silence', null))).toThrow('silence');
});

test('a refusal is of what was asked for, and of nothing that is asked for later', () => {
  const refusals = new RescaleRefusals();
  const job = (scaling: Partial<Scaling>, uid = 'u'): FlowJob =>
    ({ metadata: { namespace: 'n', name: 'orders', uid }, status: { attempt, scaling } }) as unknown as FlowJob;
  refusals.note(job({ replicas: 3 }), 'no');
  expect(refusals.of(job({ replicas: 3 }))).toBe('no');
  expect(refusals.of(job({ replicas: 3 }, 'another'))).toBeNull();
  expect(refusals.of(job({ replicas: 3 }))).toBeNull();
  refusals.note(job({ replicas: 3 }), 'no');
  refusals.forget({ namespace: 'n', name: 'orders' });
  expect(refusals.of(job({ replicas: 3 }))).toBeNull();
});
