import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, done } from '../kube/queue/controller.ts';
import { VirtualClock } from '../kube/testing/virtual-clock.ts';
import { operatorMetrics } from './metrics.ts';
import { serve, type ServeOptions } from './serve.ts';

let server: Server;
let options: ServeOptions;

beforeEach(async () => {
  const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' };
  options = { port: 0, stuck: () => null, notReady: () => null, metrics };
  server = await serve({
    ...options,
    stuck: () => options.stuck(),
    notReady: () => options.notReady(),
    metrics: { ...metrics, text: () => options.metrics.text() },
  });
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

async function ask(path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  return `${response.status} ${(await response.text()).trim()}`;
}

test('it is alive and ready by itself, and says what it waits for when it is not', async () => {
  expect(await ask('/healthz')).toBe('200 ok');
  expect(await ask('/readyz?verbose')).toBe('200 ok');
  options.notReady = () => 'the caches are not synced yet';
  expect(await ask('/readyz')).toBe('503 the caches are not synced yet');
  expect(await ask('/healthz')).toBe('200 ok');
  options.stuck = () => 'a pass hangs';
  expect(await ask('/healthz')).toBe('503 a pass hangs');
});

test('metrics are answered as Prometheus reads them; a failure among them harms no probe', async () => {
  expect(await ask('/metrics')).toBe('200 up 1');
  options.metrics = { ...options.metrics, text: () => Promise.reject(new Error('no')) };
  expect(await ask('/metrics')).toBe('500 Error: no');
  expect(await ask('/healthz')).toBe('200 ok');
});

test('an unknown path is told which there are', async () => {
  expect(await ask('/')).toContain('404 there are /healthz, /readyz, /metrics');
});

test('what a controller does is counted under the names of controller-runtime', async () => {
  const metrics = operatorMetrics({ host: '10.0.0.1:443', lease: 'operator' });
  const clock = new VirtualClock();
  let finish = (): void => undefined;
  const passes: Record<string, () => Promise<typeof done>> = {
    good: async () => done,
    bad: () => Promise.reject(new Error('no')),
    slow: () => new Promise((resolve) => (finish = () => resolve(done))),
  };
  const controller = new Controller({
    name: 'flowjob',
    reconcile: (key) => passes[key]!(),
    workers: 2,
    clock,
    random: () => 0,
    onError: () => undefined,
    metrics: metrics.kube,
  });
  metrics.kube.watchQueue('flowjob', 2, controller.queue);
  const stop = new AbortController();
  const running = controller.run({ stop: stop.signal });
  for (const key of Object.keys(passes)) controller.queue.add(key);
  await clock.advance(2_000);
  metrics.kube.request({ method: 'GET', resource: 'pods', status: '200', seconds: 0.1 });
  metrics.kube.leader('operator', true);

  const lines = (await metrics.registry.metrics()).split('\n');
  const value = (series: string): number =>
    Number(
      lines
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')
        .pop(),
    );
  expect(value('controller_runtime_reconcile_total{controller="flowjob",result="success"}')).toBe(1);
  expect(value('controller_runtime_reconcile_total{controller="flowjob",result="error"}')).toBeGreaterThan(0);
  expect(value('controller_runtime_reconcile_errors_total{controller="flowjob"}')).toBeGreaterThan(0);
  expect(value('controller_runtime_reconcile_time_seconds_count{controller="flowjob"}')).toBeGreaterThan(1);
  expect(value('controller_runtime_active_workers{controller="flowjob"}')).toBeGreaterThan(0);
  expect(value('controller_runtime_max_concurrent_reconciles{controller="flowjob"}')).toBe(2);
  const queue = '{name="flowjob",controller="flowjob"}';
  expect(value(`workqueue_adds_total${queue}`)).toBeGreaterThan(2);
  expect(value(`workqueue_retries_total${queue}`)).toBeGreaterThan(0);
  expect(value(`workqueue_queue_duration_seconds_count${queue}`)).toBeGreaterThan(2);
  expect(value(`workqueue_work_duration_seconds_count${queue}`)).toBeGreaterThan(1);
  expect(value(`workqueue_depth${queue}`)).toBe(0);
  expect(value(`workqueue_unfinished_work_seconds${queue}`)).toBeGreaterThanOrEqual(2);
  expect(value(`workqueue_longest_running_processor_seconds${queue}`)).toBeGreaterThanOrEqual(2);
  expect(value('rest_client_requests_total{code="200",method="GET",host="10.0.0.1:443"}')).toBe(1);
  expect(value('leader_election_master_status{name="operator"}')).toBe(1);
  expect(value('process_start_time_seconds')).toBeGreaterThan(0);
  expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag_seconds '))).toBe(true);
  stop.abort();
  finish();
  await clock.until(running);
});
