// The autoscaler end to end, by the operator and the real engine: a stream whose load steps up to more than one subtask can do is scaled up by itself, in
// place, and down again, with output as if nothing had happened. A recommendation beside it is told, and nothing is done.
//
// Down is forced by a lower `maxParallelism`, which is the user's word and holds at once. By itself the autoscaler gives half of the TaskManagers up after
// five minutes at the earliest, whatever a user sets: docs/explanation/autoscaling.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { partFiles, readJsonRows } from '../demo/results.ts';
import { condition } from '../harness/cli.ts';
import { AS_EXPECTED, deviationsOfParts } from '../harness/each-once.ts';
import { withLocalOperator } from '../harness/local-operator.ts';
import { has, taskManagers } from '../harness/size.ts';
import { until } from '../harness/until.ts';

/** Numbers are handed out in parts of this size, which several subtasks read side by side: none comes to its end. */
const PART = 1_000_000_000;
/** Some tenths of a millisecond of real work for each row: a few thousand rows a second. */
const COSTLY = Array.from({ length: 10 }).reduce<string>(
  (text) => `REVERSE(${text})`,
  `RPAD(CAST(n AS VARCHAR), 100, 'flow')`,
);

const { cli, home, out, work } = withLocalOperator('autoscaling');

interface Stream {
  /** Of datagen. */
  schedule: string;
  /** Fields of spec.autoscaling. */
  autoscaling: string;
}

/** Writes each number once it has worked for it. */
async function apply(name: string, { schedule, autoscaling }: Stream): Promise<void> {
  const file = join(work, `${name}.yaml`);
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: ${name}}
spec:
  mode: Streaming
  taskManager: {replicas: 1, slots: 1}
  autoscaling: {enabled: true, ${autoscaling}}
  state: {checkpoint: {interval: 1s}}
  job:
    sql:
      inline: |
        CREATE TABLE numbers (n BIGINT)
          WITH ('connector' = 'datagen', 'rows-per-second.schedule' = '${schedule}', 'fields.n.kind' = 'sequence',
            'fields.n.start' = '0', 'fields.n.end' = '${16 * PART - 1}');
        CREATE TABLE done (n BIGINT, work INT)
          WITH ('connector' = 'filesystem', 'path' = '${join(out, name)}', 'format' = 'json');
        INSERT INTO done SELECT n, CHAR_LENGTH(${COSTLY}) FROM numbers;
`,
  );
  await cli.must('apply', '-f', file);
}

/** Looks seldom: what the jobs and this test take from one another is time. */
const patience = { seconds: 120, every: 500 };

const untilJob = (name: string, what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  until(
    `${name} ${what}`,
    async () => {
      const job = await cli.get(name);
      return holds(job) && job.status?.observedGeneration === job.metadata.generation ? job : null;
    },
    patience,
  );

/** Lines of the table that `autoscale explain --history` ends with: action, reason, TaskManagers and parallelism. */
const decisionsIn = (explained: string): string[] =>
  explained
    .slice(explained.indexOf('Decisions:'))
    .split('\n')
    .slice(2)
    .map((line) => line.trim().split(/\s+/).slice(1, 5).join(' '));

const history = async (name: string): Promise<string[]> =>
  decisionsIn(await cli.must('autoscale', 'explain', name, '--history'));

/** What each subtask has written in order of its numbers, by part: whether there are gaps, or rows twice. */
const partsOf = (name: string): ReturnType<typeof deviationsOfParts> =>
  deviationsOfParts(
    readJsonRows(join(out, name)).map(({ n }) => Number(n)),
    PART,
  );

/** A file has rows of one subtask. */
const isOfSecondPart = (file: string): boolean =>
  Number(/"n":(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) >= PART;

test('a load that steps up scales a stream up in place by itself, and its bounds down again; each row is written once', async () => {
  // 'advised' does little; what it is told it is told while the other one is measured.
  await apply('advised', { schedule: '0s:100', autoscaling: 'mode: Recommend, minParallelism: 2' });
  // The step is to more than any machine does: whatever else it has to do, one subtask is too few.
  const load = { schedule: '0s:200, 4s:3000000' };
  await apply('orders', { ...load, autoscaling: 'maxParallelism: 2' });
  const first = await untilJob('orders', 'runs', has(1));

  const up = await untilJob('orders', 'has two TaskManagers', has(2));
  expect(up.status?.attempt).toMatchObject({ epoch: 1, jobId: first.status!.attempt!.jobId });
  expect(up.status?.autoscaling).toMatchObject({
    ...{ applies: true, replicas: 2, parallelism: 2, vertices: [{ parallelism: 2 }], reason: 'Overloaded' },
    message: expect.stringMatching(/needs \d+ % of what it can do; the target is 70 %: 1 → 2 TaskManagers/) as string,
  });
  expect({ spec: up.spec, generation: up.metadata.generation }).toEqual({ spec: first.spec, generation: 1 });
  expect(taskManagers(home, 'orders')).toBe(2);
  await until('rows of both subtasks', () => partFiles(join(out, 'orders')).some(isOfSecondPart), patience);

  await apply('orders', { ...load, autoscaling: 'maxParallelism: 1' });
  const down = await untilJob('orders', 'has one again', has(1));
  expect(down.status?.attempt).toMatchObject({ epoch: 1, jobId: first.status!.attempt!.jobId });
  expect(down.status?.autoscaling).toMatchObject({
    applies: true,
    replicas: 1,
    parallelism: 1,
    reason: 'OutsideBounds',
  });
  expect(down.spec.taskManager).toEqual(first.spec.taskManager);
  expect(taskManagers(home, 'orders')).toBe(1);
  expect(condition(down, 'Ready')).toBe('True');
  expect(down.status?.lastSavepoint).toBeUndefined();

  const picture = join(work, 'orders.svg');
  const explained = await cli.must('autoscale', 'explain', 'orders', '--history', '--svg', picture);
  expect(explained).toMatch(/^VERTEX .*\n.*Source/m);
  expect(decisionsIn(explained)).toEqual(
    expect.arrayContaining(['Rescale OutsideBounds 1 1', 'Rescale Overloaded 2 2', 'Hold Measuring 1 1']),
  );
  expect(readFileSync(picture, 'utf8')).toMatch(/<svg [^]*>load<[^]*>parallelism<[^]*<\/svg>/);

  await cli.must('suspend', 'orders');
  const end = await untilJob('orders', 'is suspended', ({ status }) => status?.state === 'Suspended');
  expect(end.status?.attempt).toMatchObject({ epoch: 1 });
  const parts = partsOf('orders');
  expect([...parts.values()]).toEqual([...parts].map(() => AS_EXPECTED));
}, 240_000);

test('a recommendation is told, look after look, and nothing is done', async () => {
  const isAdvice = (decision: string): boolean => decision === 'Rescale OutsideBounds 2 2';
  await until('several looks', async () => (await history('advised')).filter(isAdvice).length > 2, patience);
  const { spec, metadata, status } = await cli.get('advised');
  expect(status).toMatchObject({
    state: 'Running',
    parallelism: 1,
    attempt: { epoch: 1 },
    taskManager: { replicas: 1 },
  });
  expect(status?.autoscaling).toMatchObject({ applies: false, replicas: 2, parallelism: 2, reason: 'OutsideBounds' });
  expect({ generation: metadata.generation, taskManager: spec.taskManager.replicas }).toEqual({
    generation: 1,
    taskManager: 1,
  });
  expect(taskManagers(home, 'advised')).toBe(1);
  expect(await cli.must('autoscale', 'explain', 'advised')).toMatch(
    /^Rescale .*\(OutsideBounds\).*, as a recommendation/,
  );
  const events = await cli.must('describe', 'advised');
  expect(events.match(/ScaleRecommended/g)).toHaveLength(1);
  expect(events).not.toMatch(/Autoscaled|Rescaled/);
}, 120_000);
