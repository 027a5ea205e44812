// The program in storage pods, as a process.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const jobId = 'a'.repeat(32);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowjob-flink-storage-'));
});
afterEach(() => rmSync(root, { recursive: true }));

async function answered(command: object): Promise<Record<string, unknown>> {
  const answer = join(root, 'answer');
  const args = ['--root', root, '--command', JSON.stringify(command), '--answer', answer];
  await promisify(execFile)(process.execPath, ['src/flink-storage-main.ts', ...args]);
  return JSON.parse(readFileSync(answer, 'utf8')) as Record<string, unknown>;
}

test('what runs before have left is gone when it has ended', async () => {
  const [now, before] = [jobId, 'c'.repeat(32)].map((run) => join(root, 'checkpoints', run));
  for (const run of [now!, before!]) {
    mkdirSync(join(run, 'chk-1'), { recursive: true });
    writeFileSync(join(run, 'chk-1', '_metadata'), '');
  }
  expect(await answered({ kind: 'view', jobId, needed: [] })).not.toHaveProperty('uncleared');
  expect([existsSync(now!), existsSync(before!)]).toEqual([true, false]);
}, 60_000);

test('what keeps it from clearing away stands in its answer, beside what it has seen', async () => {
  const needed = join(root, 'checkpoints', 'b'.repeat(32), 'chk-1');
  // Nobody can read a folder as if it were a file.
  mkdirSync(join(needed, '_metadata'), { recursive: true });
  const { uncleared, ...view } = await answered({ kind: 'view', jobId, needed: [needed] });
  expect(uncleared).toMatch(/EISDIR/);
  expect(view).toEqual(await answered({ kind: 'view', jobId }));
  expect(view).toMatchObject({ epoch: 0, newest: null });
}, 60_000);
