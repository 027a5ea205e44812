import type { FlowJobStatus } from '../api/status.ts';
import { decidedMemory } from './act.ts';

const decided = { applies: true, reason: 'Balanced', message: '', memory: '640Mi', memoryApplies: true };

const memoryOf = (autoscaling: FlowJobStatus['autoscaling'], inSpec = '512Mi'): string | undefined =>
  decidedMemory(
    { status: { observedGeneration: 1, conditions: [], ...(autoscaling && { autoscaling }) } },
    { taskManager: { replicas: 1, slots: 1, resources: { limits: { memory: inSpec } } } },
  );

it('gives TaskManagers the memory that was decided on, as long as the spec says what it said then', () => {
  expect(memoryOf({ ...decided, memoryInSpec: '512Mi' })).toBe('640Mi');
  expect(memoryOf({ ...decided, memoryInSpec: '512Mi' }, '2Gi')).toBeUndefined();
  expect(memoryOf({ ...decided, memoryInSpec: '512Mi', memoryApplies: false })).toBeUndefined();
  expect(memoryOf({ ...decided, memoryInSpec: '512Mi', applies: false })).toBeUndefined();
  expect(memoryOf(undefined)).toBeUndefined();
});
