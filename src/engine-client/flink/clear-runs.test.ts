// Folders as several runs of a job leave them, in a temporary folder.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { clusterIdOf } from './high-availability.ts';
import { volumeFiles } from './state-files/volume.ts';
import { clearState, removeState } from './state-folder.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowjob-flink-runs-'));
});

afterEach(() => rmSync(root, { recursive: true }));

const runOf = (n: number): string => n.toString(16).repeat(32);
const [old, before, now] = [runOf(1), runOf(2), runOf(3)] as const;

function file(path: string): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, '');
  return full;
}

/** Everything that a run leaves. */
const filesOf = (jobId: string): string[] => [
  `checkpoints/${jobId}/chk-7/_metadata`,
  `checkpoints/${jobId}/shared/x`,
  `ha/results/${jobId}/${jobId}.json`,
  `ha/runs/${clusterIdOf({ job: 'orders', jobId })}/submittedExecutionPlan1`,
];
const left = (): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .sort();

test('what runs before have left goes once the run has a checkpoint; what it began from stays, as do savepoints', async () => {
  for (const jobId of [old, before, now]) filesOf(jobId).forEach(file);
  const savepoint = `savepoints/${'b'.repeat(32)}/savepoint-1/_metadata`;
  file(savepoint);
  await clearState(volumeFiles, root, { jobId: now, needed: [`file:${root}/checkpoints/${before}/chk-7`] });
  expect(left()).toEqual([...filesOf(before), ...filesOf(now), savepoint].sort());
});

test('as long as the run has no complete state of its own, the checkpoints before it stay', async () => {
  for (const jobId of [old, before]) filesOf(jobId).forEach(file);
  file(`checkpoints/${now}/chk-1/x`);
  await clearState(volumeFiles, root, { jobId: now, needed: [`${root}/checkpoints/${before}/chk-7`] });
  for (const jobId of [old, before]) expect(existsSync(join(root, `checkpoints/${jobId}/chk-7/_metadata`))).toBe(true);
  const stop = 'd'.repeat(32);
  file(`savepoints/${stop}/savepoint-2/_metadata`);
  await clearState(volumeFiles, root, { jobId: now, stopTriggerId: stop, needed: [] });
  expect(existsSync(join(root, `checkpoints/${old}`))).toBe(false);
});

test('before a job has a run nothing is touched: it may be told to go on from what is there', async () => {
  filesOf(old).forEach(file);
  await clearState(volumeFiles, root, { findState: true, needed: [] });
  expect(left()).toEqual(filesOf(old).sort());
});

test('nothing goes where nobody says what is needed', async () => {
  const all = [old, before, now].flatMap(filesOf);
  all.forEach(file);
  await clearState(volumeFiles, root, { jobId: now });
  expect(left()).toEqual(all.sort());
});

test('what has no name as Flink gives it stays', async () => {
  filesOf(now).forEach(file);
  const others = [
    'checkpoints/mine/x',
    'checkpoints/0123/x',
    'ha/results/notes.json',
    'ha/results/mine/x',
    'ha/runs/mine/x',
    'ha/x',
    'y',
  ];
  others.forEach(file);
  await clearState(volumeFiles, root, { jobId: now, needed: [] });
  expect(left()).toEqual([...filesOf(now), ...others].sort());
});

test('whatever is there, nothing goes of the run itself, of what is needed, of savepoints or of what is not Flink’s', async () => {
  const path = fc.oneof(
    fc.constantFrom(...[old, before, now].flatMap(filesOf)),
    fc
      .tuple(
        fc.constantFrom('checkpoints', 'savepoints', 'ha/runs', 'ha/results', 'other'),
        fc.stringMatching(/^[a-z.]{1,9}$/),
      )
      .filter(([, name]) => !/^[.]+$/.test(name))
      .map(([folder, name]) => `${folder}/${name}/x`),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path), fc.boolean(), async (paths, isNeeded) => {
      rmSync(root, { recursive: true });
      mkdirSync(root);
      paths.forEach(file);
      await clearState(volumeFiles, root, {
        jobId: now,
        needed: isNeeded ? [`${root}/checkpoints/${before}/chk-7`] : [],
      });
      const stays = (one: string): boolean =>
        !filesOf(old).includes(one) && (isNeeded || !filesOf(before).includes(one));
      expect(left()).toEqual(expect.arrayContaining(paths.filter(stays)));
      const hasState = paths.includes(`checkpoints/${now}/chk-7/_metadata`);
      const gone = paths.filter((one) => !stays(one) && (hasState || !one.startsWith('checkpoints/')));
      expect(left().filter((one) => gone.includes(one))).toEqual([]);
    }),
  );
});

test('with the state of the job its results go', async () => {
  filesOf(now).forEach(file);
  file('savepoints/x/savepoint-1/_metadata');
  await removeState(volumeFiles, root);
  expect(left()).toEqual(['savepoints/x/savepoint-1/_metadata']);
});
