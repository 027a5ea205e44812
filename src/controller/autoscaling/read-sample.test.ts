// What is read of a job, and what is not known of it.
import { EngineClient } from '../../engine-client/engine-client.ts';
import { FakeJob, JOB_ID } from './fake-job.fixture.ts';
import { readSample } from './read-sample.ts';

let fake: FakeJob;
beforeEach(async () => void (fake = await FakeJob.start()));
afterEach(() => fake.stop());

test('of what is told by some subtasks alone the sum is not known', async () => {
  fake.parallelism = 2;
  fake.pending = 7;
  const client = new EngineClient({ url: fake.url, token: null });
  const pendingOf = async () =>
    (await readSample(client, JOB_ID, 0, 'Embedded')).sample.vertices.map((one) => one.pendingRecords);
  expect(await pendingOf()).toEqual([14, null]);
  fake.pending = 'NaN';
  expect(await pendingOf()).toEqual([null, null]);
  fake.pending = null;
  expect(await pendingOf()).toEqual([null, null]);
});
