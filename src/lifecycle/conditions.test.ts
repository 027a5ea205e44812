import { NEVER, type Condition } from '../api/object.ts';
import { conditionsFor, pausedConditions } from './conditions.ts';

const unseen: Condition = {
  type: 'Ready',
  status: 'Unknown',
  observedGeneration: -1,
  lastTransitionTime: NEVER,
  reason: 'NotSeen',
  message: 'The operator has not looked at this object yet.',
};
const stamp = { generation: 1, now: '2026-01-01T00:00:00.000Z' };
const starting = { kind: 'Progressing', reason: 'Starting', message: 'It starts.' } as const;

test('a condition that nobody had judged before has the time at which it was, also when its status stays', () => {
  const conditions = conditionsFor([unseen], starting, stamp);
  expect(conditions.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime])).toEqual([
    ['Ready', 'Unknown', stamp.now],
    ['Reconciling', 'True', stamp.now],
  ]);
  const later = { ...stamp, now: '2026-01-02T00:00:00.000Z' };
  expect(conditionsFor(conditions, starting, later)).toEqual(conditions);
});

test('so have those of an object that is paused before it was seen', () => {
  expect(pausedConditions([unseen], stamp).map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
    stamp.now,
    stamp.now,
  ]);
});
