// Every key that the other operator documents has been thought about: none falls to "unknown".
import { DOCUMENTED_KEYS } from './documented-keys.fixture.ts';
import { currentKey, KEY_RULES, keyRule } from './keys.ts';

test('there are many of them', () => expect(DOCUMENTED_KEYS.length).toBeGreaterThan(130));

test.each(DOCUMENTED_KEYS)('%s has a line of the tables', (key) => {
  const rule = keyRule(currentKey(key));
  expect(rule).toBeDefined();
  expect(['kubernetes.operator.*', 'job.autoscaler.*', 'kubernetes.*']).not.toContain(rule!.from);
});

test('no key has two lines, and no former name is a name of today', () => {
  const names = KEY_RULES.flatMap(({ from, formerly }) => [from, ...formerly]);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test.each([
  ['state.checkpoints.dir', 'execution.checkpointing.dir'],
  ['kubernetes.operator.job.autoscaler.enabled', 'job.autoscaler.enabled'],
  ['kubernetes.operator.job.autoscaler.target.utilization', 'job.autoscaler.utilization.target'],
  [
    'kubernetes.operator.job.autoscaler.scaling.effectiveness.threshold',
    'job.autoscaler.scaling.effectiveness.threshold',
  ],
  ['kubernetes.jobmanager.cpu', 'kubernetes.jobmanager.cpu.amount'],
  ['kubernetes.container.image', 'kubernetes.container.image.ref'],
  ['taskmanager.memory.managed.fraction', 'taskmanager.memory.managed.fraction'],
])('%s is called %s today', (former, today) => expect(currentKey(former)).toBe(today));
