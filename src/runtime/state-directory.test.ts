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

test('a folder on S3 stays a URI, whether or not a slash ends it', () => {
  expect(stateDirectory('/home', 'a', 's3://jobs/state')).toBe('s3://jobs/state/a');
  expect(stateDirectory('/home', 'a', 's3://jobs/')).toBe('s3://jobs/a');
});
