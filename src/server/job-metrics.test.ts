import { Registry } from 'prom-client';
import type { FlowJob } from '../api/flowjob.ts';
import { JOB_METRICS, registerJobMetrics, type JobView } from './job-metrics.ts';
import { UpgradeTimer } from './upgrade-timer.ts';

const job = (name: string, status: object): FlowJob =>
  ({
    kind: 'FlowJob',
    metadata: { namespace: 'shop', name, uid: `uid-${name}` },
    spec: {},
    status,
  }) as unknown as FlowJob;

const running = job('orders', {
  state: 'Running',
  conditions: [{ type: 'Ready', status: 'True', reason: 'Running', message: '' }],
  attempt: { epoch: 3 },
  recovery: { restarts: 2 },
  lastSavepoint: { completedAt: '2026-01-01T00:00:10Z' },
});
const viewOf = (of: FlowJob, more: Partial<JobView> = {}): JobView => ({
  job: of,
  checkpoints: null,
  upgradeSeconds: null,
  ...more,
});

let views: JobView[];
let registry: Registry;

beforeEach(() => {
  views = [];
  registry = new Registry();
  registerJobMetrics(registry, () => views);
});

test('a job that streams is told of with its state, conditions, checkpoints and savepoint', async () => {
  const last = { completedAt: 1_700_000_000_500, durationMs: 250, bytes: 4096 };
  views = [viewOf(running, { checkpoints: { last, completed: 7, failed: 1 }, upgradeSeconds: 1.5 })];
  const text = await registry.metrics();
  const of = '{namespace="shop",name="orders"';
  for (const line of [
    `flowjob_state${of},state="Running"} 1`,
    `flowjob_condition${of},type="Ready",status="True",reason="Running"} 1`,
    `flowjob_ready${of}} 1`,
    `flowjob_attempt_epoch${of}} 3`,
    `flowjob_restarts${of}} 2`,
    `flowjob_last_checkpoint_timestamp_seconds${of}} 1700000000.5`,
    `flowjob_last_checkpoint_duration_seconds${of}} 0.25`,
    `flowjob_last_checkpoint_size_bytes${of}} 4096`,
    `flowjob_checkpoints_completed_total${of}} 7`,
    `flowjob_checkpoints_failed_total${of}} 1`,
    `flowjob_last_savepoint_timestamp_seconds${of}} ${Date.parse('2026-01-01T00:00:10Z') / 1000}`,
    `flowjob_last_upgrade_duration_seconds${of}} 1.5`,
  ])
    expect(text.split('\n')).toContain(line);
});

test('what a job has cost goes on when it costs nothing any more, and what it costs is told as long as it has prices', async () => {
  const cost = { total: 12.5, perHour: 0.25, currency: 'EUR' };
  const priced = { ...running, spec: { autoscaling: { prices: {} } } } as unknown as FlowJob;
  views = [viewOf(priced, { autoscaling: { decisions: [], cost } })];
  const of = '{namespace="shop",name="orders",currency="EUR"}';
  const lines = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => /_cost_.*{/.test(line));
  expect(await lines()).toEqual([`flowjob_cost_per_hour${of} 0.25`, `flowjob_cost_total${of} 12.5`]);
  views = [viewOf(running, { autoscaling: { decisions: [], cost: { ...cost, perHour: 0 } } })];
  expect(await lines()).toEqual([`flowjob_cost_total${of} 12.5`]);
});

test('what is not known of a job has no series', async () => {
  views = [viewOf(job('new', undefined as unknown as object))];
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('flowjob_'));
  expect(lines).toEqual([
    'flowjob_state{namespace="shop",name="new",state="Pending"} 1',
    'flowjob_ready{namespace="shop",name="new"} 0',
  ]);
});

test('a state that was left, and a job that was deleted, have no series any more', async () => {
  const last = { completedAt: 1, durationMs: 1, bytes: 1 };
  const full: Partial<JobView> = { checkpoints: { last, completed: 1, failed: 1 }, upgradeSeconds: 1 };
  views = [
    viewOf(running, full),
    viewOf(job('gone', { ...running.status, batch: { durationMs: 1, rowsIn: 1, rowsOut: 1 } }), full),
  ];
  expect(await registry.metrics()).toContain('name="gone"');
  views = [viewOf(job('orders', { ...running.status, state: 'Upgrading' }), full)];
  const text = await registry.metrics();
  expect(text).toContain('state="Upgrading"');
  expect(text).not.toContain('state="Running"');
  expect(text).not.toContain('name="gone"');
});

test('names follow the conventions: counters end in _total, units are seconds and bytes', () => {
  for (const { name, type } of JOB_METRICS) {
    expect(name).toMatch(/^flowjob_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb)(_|$)/);
  }
});

describe('the duration of an upgrade', () => {
  let now: number;
  let timer: UpgradeTimer;
  let state: string;
  const go = (to: string, after: number): void => {
    now += after;
    timer.see({ type: 'Updated', before: job('orders', { state }), object: job('orders', { state: to }) });
    state = to;
  };
  beforeEach(() => {
    now = 0;
    timer = new UpgradeTimer(() => now);
    state = 'Running';
  });

  test('lasts from the stop of the old version until the new one runs', () => {
    go('Upgrading', 500);
    go('Starting', 1_000);
    go('Running', 2_000);
    expect(timer.of('uid-orders')).toBe(3);
  });

  test('is not told of one that was given up, or of a start that was none', () => {
    go('Upgrading', 0);
    go('Running', 1_000);
    go('Upgrading', 0);
    go('Failed', 1_000);
    go('Starting', 1_000);
    go('Running', 1_000);
    expect(timer.of('uid-orders')).toBeNull();
  });

  test('is forgotten with its job', () => {
    go('Upgrading', 0);
    go('Starting', 1_000);
    go('Running', 1_000);
    timer.see({ type: 'Deleted', object: job('orders', {}), final: true });
    expect(timer.of('uid-orders')).toBeNull();
  });
});
