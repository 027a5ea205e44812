import { namespacesOf, operatorSettings } from './operator-settings.ts';

test('namespaces are a list with commas, each counted once; an empty one means all', () => {
  expect(namespacesOf('a, b,a,')).toEqual(['a', 'b']);
  expect(namespacesOf('')).toEqual([]);
});

test('what is no namespace is refused by name', () => {
  expect(() => namespacesOf('a,B_1')).toThrow('"B_1"');
  expect(() => namespacesOf('a b')).toThrow('"a b"');
});

test('the command line goes before the environment', () => {
  const env = { FLOWJOB_IMAGE: 'from-env', FLOWJOB_NAMESPACE: 'a,b' };
  expect(operatorSettings([], env)).toMatchObject({ image: 'from-env', namespaces: ['a', 'b'], leaderElect: false });
  expect(operatorSettings(['--image', 'x', '--namespace', 'c'], env)).toMatchObject({ image: 'x', namespaces: ['c'] });
});

test('jobs on Apache Flink are highly available where that is asked for', () => {
  const env = { FLOWJOB_IMAGE: 'x' };
  expect(operatorSettings([], env).flinkHighAvailability).toBe(false);
  expect(operatorSettings(['--flink-high-availability'], env).flinkHighAvailability).toBe(true);
});

test('an image that is missing and a port that is none are said to be so', () => {
  expect(() => operatorSettings([], { FLOWJOB_IMAGE: '' })).toThrow('--image is missing');
  expect(() => operatorSettings(['--image', 'x', '--http-port', 'health'], {})).toThrow('--http-port health');
  expect(() => operatorSettings(['--image', 'x', '--port', '1'], {})).toThrow('--port');
});
