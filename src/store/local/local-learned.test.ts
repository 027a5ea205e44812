// What was learned, in the folder of the job that it was learned of.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalLearned } from './local-learned.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowjob-learned-'));
  mkdirSync(join(root, 'jobs', 'orders'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ownerOf = (uid: string) => ({ key: { namespace: 'default', name: 'orders' }, uid });

test('what was written is read by the next operator, and is of that job alone', async () => {
  expect(await new LocalLearned(root).read(ownerOf('a'))).toBeNull();
  await new LocalLearned(root).write(ownerOf('a'), 'first');
  await new LocalLearned(root).write(ownerOf('a'), 'second');
  expect(await new LocalLearned(root).read(ownerOf('a'))).toBe('second');
  expect(await new LocalLearned(root).read(ownerOf('b'))).toBeNull();
});

test('the folder of a job that has gone is not made anew', async () => {
  rmSync(join(root, 'jobs', 'orders'), { recursive: true });
  await new LocalLearned(root).write(ownerOf('a'), 'late');
  expect(readdirSync(join(root, 'jobs'))).toEqual([]);
});
