// What of a decision is news, and so is written to status.
import type { Decision } from '../../autoscaler/model.ts';
import type { AutoscalerView } from '../../lifecycle/observation.ts';
import { job as autoscaledJob } from './autoscaled-job.fixture.ts';
import { viewOf } from './decision-view.ts';

const job = autoscaledJob('orders');
const NOTHING: AutoscalerView = { decision: null, held: null, applies: false, measured: false };
const now = { handedOn: true, tellUnknown: false };

const rescale = (more: Partial<Decision> = {}): Decision => ({
  ...{ at: 0, action: 'Rescale', act: false, direction: 'Up', parallelism: { map: 2 }, taskManagers: 2 },
  ...{ reason: 'Overloaded', message: 'needs 130 %', terms: [], unknown: [], notices: [], memory: null },
  ...{ costPerHour: null, lookAgainAt: 0, ...more },
});

test('a recommendation that is repeated with other figures is no news', () => {
  const told = viewOf(job, rescale(), NOTHING, now);
  expect(told.decision).toMatchObject({ replicas: 2, reason: 'Overloaded', message: 'needs 130 %' });
  const memory = { bytes: 2 ** 28, apply: false, message: '' };
  expect(viewOf(job, rescale({ message: 'needs 131 %', memory }), told, now)).toEqual(told);
});

test('one of another size, for another reason, or with memory that applies is', () => {
  const told = viewOf(job, rescale(), NOTHING, now);
  const next = (more: Partial<Decision>): AutoscalerView['decision'] => viewOf(job, rescale(more), told, now).decision;
  expect(next({ parallelism: { map: 3 }, taskManagers: 3 })).toMatchObject({ replicas: 3 });
  expect(next({ reason: 'Lagging', message: 'waits' })).toMatchObject({ reason: 'Lagging', message: 'waits' });
  const memory = { bytes: 2 ** 28, apply: true, message: '' };
  expect(next({ memory })).toMatchObject({ memory: '256Mi', memoryApplies: true });
});

test('that the job was measured is remembered once it was, whatever the looks after it come to', () => {
  const hold = (reason: Decision['reason'], before = NOTHING): AutoscalerView =>
    viewOf(job, rescale({ action: 'Hold', reason }), before, now);
  expect(hold('Measuring').measured).toBe(false);
  expect(hold('MetricsUnknown').measured).toBe(false);
  expect(hold('Balanced').measured).toBe(true);
  expect(hold('MetricsUnknown', hold('Balanced')).measured).toBe(true);
});
