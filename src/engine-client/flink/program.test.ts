// What Flink is told to run.
import { programArguments } from './program.ts';

const files = { script: '/secret/job.sql', jar: '/jars/job.jar' };
const jar = (more: object): string[] =>
  programArguments({ job: { jar: { uri: 'local:///opt/a.jar', ...more }, parallelism: 1 } }, files);

test('a jar of the image is read where it is, by either way to write it', () => {
  expect(jar({})).toEqual(['--jars', 'local:///opt/a.jar']);
  expect(jar({ uri: '/opt/a.jar' })).toEqual(['--jars', 'local:///opt/a.jar']);
});

test('a jar from elsewhere is read where it was put', () => {
  expect(jar({ uri: 'https://repo.example/a.jar' })).toEqual(['--jars', 'local:///jars/job.jar']);
});

test('arguments are for the program, also where they look like Flink’s own', () => {
  const args = ['-D', 'a=b', '--jars', '--', '-h'];
  expect(jar({ entryClass: 'com.example.Main', args })).toEqual([
    ...['--jars', 'local:///opt/a.jar', '--job-classname', 'com.example.Main', '--', ...args],
  ]);
});

test('PyFlink is a jar like any other, whose class runs the script', () => {
  const python = {
    uri: 'local:///opt/flink/opt/flink-python-2.3.0.jar',
    entryClass: 'org.apache.flink.client.python.PythonDriver',
    args: ['-pyclientexec', '/usr/bin/python3', '-py', '/opt/flink/usrlib/job.py'],
  };
  expect(jar(python).slice(-5)).toEqual(['--', '-pyclientexec', '/usr/bin/python3', '-py', '/opt/flink/usrlib/job.py']);
});
