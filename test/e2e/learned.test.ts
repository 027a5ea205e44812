// What the autoscaler has learned of a job that runs on while its operator is killed, started anew, and asked to end.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from '../../src/autoscaler/journal.ts';
import type { Kept } from '../../src/autoscaler/model.ts';
import { engineProcesses, eventually } from '../harness/cli.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const { cli, home, work } = withLocalOperator('learned');

/** Null: nothing is written yet. */
function written(): { savedAt: number; kept: Kept } | null {
  const folder = join(home, 'jobs', 'sized');
  const files = readdirSync(folder).filter((file) => /^learned-.*\.json$/.test(file));
  expect(files.length).toBeLessThanOrEqual(1);
  return files[0] === undefined
    ? null
    : (JSON.parse(readFileSync(join(folder, files[0]), 'utf8')) as { savedAt: number; kept: Kept });
}

const lastLook = (): number =>
  (JSON.parse(readFileSync(join(home, 'jobs', 'sized', 'autoscaling.json'), 'utf8')) as Journal).last!.decision.at;

async function endOperator(signal: NodeJS.Signals): Promise<void> {
  const operator = engineProcesses(home).find(({ role }) => role === 'operator')!;
  process.kill(operator.pid, signal);
  await eventually('the operator is gone', 60, async () =>
    engineProcesses(home).some(({ pid }) => pid === operator.pid) ? undefined : true,
  );
}

test('an operator that is killed loses nothing of what it decided, and the next one goes on from it', async () => {
  writeFileSync(
    join(work, 'sized.yaml'),
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: sized}
spec:
  mode: Streaming
  taskManager: {replicas: 1, slots: 1}
  state: {checkpoint: {interval: 500ms}}
  autoscaling: {enabled: true, minParallelism: 2, maxParallelism: 2, prices: {corePerHour: 36, gibPerHour: 0}}
  job:
    sql:
      inline: |
        CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
        CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
        INSERT INTO nowhere SELECT n FROM numbers;
`,
  );
  await cli.must('apply', '-f', 'sized.yaml');
  await eventually('it was rescaled', 120, async () =>
    (await cli.get('sized')).status?.taskManager?.replicas === 2 ? true : undefined,
  );
  await endOperator('SIGKILL');
  const first = written()!;
  expect(first.kept.actions).toMatchObject([{ direction: 'Up', from: 1, to: 2, reason: 'OutsideBounds' }]);

  const killed = Date.now();
  await cli.must('local', 'up');
  await eventually('the next operator has looked', 60, () => lastLook() > killed);
  // What the job has cost began with the operator before it.
  const since = new Date(first.kept.cost!.since).toISOString().slice(0, 16).replace('T', ' ');
  expect(await cli.must('autoscale', 'explain', 'sized')).toMatch(
    new RegExp(`has cost [0-9.]+ EUR since ${since} UTC, and what runs costs 72.000 EUR`),
  );
  await endOperator('SIGTERM');
  const second = written()!;
  expect(second.savedAt).toBeGreaterThan(first.savedAt);
  expect(second.kept.actions).toEqual(first.kept.actions);
  expect(second.kept.cost).toMatchObject({ since: first.kept.cost!.since, perHour: 72 });
  expect(second.kept.cost!.total).toBeGreaterThan(0);
  await cli.must('local', 'up');
}, 300_000);
