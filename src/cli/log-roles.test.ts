import { labelled, processesOfRole } from './log-roles.ts';

const there = ['taskmanager-10', 'jobmanager', 'taskmanager-2'];

test.each([
  ['jobmanager', ['jobmanager']],
  ['taskmanager-2', ['taskmanager-2']],
  ['taskmanager', ['taskmanager-2', 'taskmanager-10']],
  ['all', ['jobmanager', 'taskmanager-2', 'taskmanager-10']],
])('%s means its processes, in the order of their indices', (role, processes) => {
  expect(processesOfRole(role, there, 'attempt 1')).toEqual(processes);
});

test('a role that nobody has brings those there are', () => {
  expect(() => processesOfRole('taskmanager-1', there, 'attempt 1')).toThrow(
    'attempt 1 has no process "taskmanager-1"; it has jobmanager, taskmanager-2, taskmanager-10',
  );
});

test('lines of one process stand as they are, those of several say whose they are', () => {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  labelled(print, ['jobmanager'])('jobmanager')('a');
  labelled(print, ['jobmanager', 'taskmanager-0'])('taskmanager-0')('b');
  expect(lines).toEqual(['a', '[taskmanager-0] b']);
});
