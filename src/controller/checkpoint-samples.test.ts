import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FlowJob } from '../api/flowjob.ts';
import { VirtualClock } from '../kube/testing/virtual-clock.ts';
import { CheckpointSamples } from './checkpoint-samples.ts';

let server: Server;
let asked: string[];
let answer: object | null;
let jobs: FlowJob[];
let samples: CheckpointSamples;

const checkpoint = { latest_ack_timestamp: 5_000, end_to_end_duration: 40, state_size: 99 };
const job = (state: string, mode = 'Streaming'): FlowJob =>
  ({
    metadata: { namespace: 'a', name: 'orders', uid: 'u' },
    spec: { mode },
    status: { state, conditions: [], attempt: { epoch: 1, jobId: 'cafe' } },
  }) as unknown as FlowJob;

beforeEach(async () => {
  asked = [];
  answer = { counts: { completed: 4, failed: 1 }, latest: { completed: checkpoint } };
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(answer === null ? 503 : 200).end(JSON.stringify(answer ?? { errors: ['busy'] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const runtime = { connection: async () => ({ url, token: null }) };
  samples = new CheckpointSamples({ jobs: () => jobs, runtime, clock: new VirtualClock() });
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const round = (): Promise<void> => samples.ask(new AbortController().signal);

test('a job that runs is asked for its last checkpoint and its counts', async () => {
  jobs = [job('Running')];
  await round();
  expect(samples.of('u')).toEqual({ last: { completedAt: 5_000, durationMs: 40, bytes: 99 }, completed: 4, failed: 1 });
  expect(asked).toEqual(['/jobs/cafe/checkpoints']);
});

test('batch jobs and jobs that do not run are not asked', async () => {
  jobs = [job('Running', 'Batch'), job('Starting'), job('Suspended')];
  await round();
  expect(asked).toEqual([]);
});

test('silence keeps the last answer, so that its age is seen to grow', async () => {
  jobs = [job('Running')];
  await round();
  answer = null;
  await round();
  jobs = [job('Recovering')];
  await round();
  expect(samples.of('u')?.last?.completedAt).toBe(5_000);
});

test('a job that is stopped, done or gone is forgotten', async () => {
  for (const after of [[job('Suspended')], [job('Failed')], []]) {
    jobs = [job('Running')];
    await round();
    expect(samples.of('u')).not.toBeNull();
    jobs = after;
    await round();
    expect(samples.of('u')).toBeNull();
  }
});
