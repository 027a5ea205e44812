import { stateDirectory } from './state-directory.ts';

test('jobs that name the same URI keep their state apart', () => {
  expect(stateDirectory('/home', 'a', 'file:///data')).toBe('/data/a');
  expect(stateDirectory('/home', 'b', 'file:///data')).toBe('/data/b');
  expect(stateDirectory('/home/state', 'a', undefined)).toBe('/home/state/a');
});

test('both forms of a file: URI name the same folder', () => {
  expect(stateDirectory('/home', 'a', 'file:/my%20data')).toBe('/my data/a');
  expect(stateDirectory('/home', 'a', 'file:///my%20data')).toBe('/my data/a');
});
