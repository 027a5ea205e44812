// What Flink says of its cool-down and of the checkpoint that it waits for, from its recorded answers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckpointsAnswer } from '../answers.ts';
import { EngineClientError } from '../engine-client.ts';
import { flinkWaits } from './rescale-waits.ts';

const recorded = (file: string): unknown =>
  JSON.parse(readFileSync(join(__dirname, '../../../test/fixtures/flink-2.3', file), 'utf8'));

const client = (config: () => Promise<unknown>, inProgress = 0): Parameters<typeof flinkWaits>[0] => {
  const answer = recorded('job_checkpoints.json') as CheckpointsAnswer;
  return {
    get: async <T>() => (await config()) as T,
    checkpoints: async () => ({ ...answer, counts: { ...answer.counts, in_progress: inProgress } }),
  };
};
const refused = (status: number) => async (): Promise<never> =>
  Promise.reject(new EngineClientError('ENGINE_REFUSED', 'GET /jobs/x/rescales/config: no', status));

test('it may put a rescaling off for its cool-down and until its resources are stable', async () =>
  expect(
    await flinkWaits(
      client(async () => recorded('job_rescales_config.json')),
      'x',
    ),
  ).toEqual({
    checkpointing: false,
    upTo: 90_000,
  }));

test('a checkpoint in progress is told of', async () =>
  expect(await flinkWaits(client(refused(404), 1), 'x')).toEqual({ checkpointing: true, upTo: 0 }));

test('a version without that path is not reckoned with; what fails otherwise is no answer', async () => {
  expect(await flinkWaits(client(refused(404)), 'x')).toEqual({ checkpointing: false, upTo: 0 });
  await expect(flinkWaits(client(refused(503)), 'x')).rejects.toMatchObject({ httpStatus: 503 });
});
