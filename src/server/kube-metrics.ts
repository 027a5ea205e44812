// What the kernel tells of itself, under the names that controller-runtime gave such metrics: dashboards and alerts for controllers know them.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { KubeMetrics } from '../kube/metrics.ts';

/** controller-runtime's own buckets, so that both can be shown in one panel. Seconds. */
const RECONCILE_BUCKETS = [
  ...[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75,
  ],
  ...[2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
];
const QUEUE_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];

/** What is asked only when somebody scrapes. */
export interface QueueView {
  unfinishedWork: { seconds: number; longest: number };
}

export interface KubeMetricsOptions {
  registry: Registry;
  /** `host:port` of the API server. */
  host: string;
  /** Of the lease that is stood for; undefined without an election. */
  lease?: string | undefined;
}

export interface ControllerMetrics extends KubeMetrics {
  /** From now on `queue` is asked at each scrape. */
  watchQueue(name: string, workers: number, queue: QueueView): void;
}

export function kubeMetrics({ registry, host, lease }: KubeMetricsOptions): ControllerMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect?: (this: Gauge<L>) => void,
  ): Gauge<L> => new Gauge({ name, help, labelNames, registers, ...(collect === undefined ? {} : { collect }) });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  const queues = new Map<string, QueueView>();
  const ofController = ['controller'] as const;
  const ofQueue = ['name', 'controller'] as const;

  const reconciles = counter('controller_runtime_reconcile_total', 'Passes over a job, by how they ended.', [
    'controller',
    'result',
  ]);
  const errors = counter('controller_runtime_reconcile_errors_total', 'Passes that failed.', ofController);
  const terminals = counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Passes that failed and are not tried again until something changes.',
    ofController,
  );
  const reconcileTime = histogram(
    'controller_runtime_reconcile_time_seconds',
    'How long passes took.',
    ofController,
    RECONCILE_BUCKETS,
  );
  const active = gauge('controller_runtime_active_workers', 'Passes that are under way.', ofController);
  const most = gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Passes that may be under way at once; +Inf: no limit.',
    ofController,
  );
  const depth = gauge('workqueue_depth', 'Jobs that wait for a pass.', ofQueue);
  const adds = counter('workqueue_adds_total', 'Jobs that were put into the queue.', ofQueue);
  const waited = histogram(
    'workqueue_queue_duration_seconds',
    'How long jobs waited for a pass.',
    ofQueue,
    QUEUE_BUCKETS,
  );
  const worked = histogram('workqueue_work_duration_seconds', 'How long jobs were worked on.', ofQueue, QUEUE_BUCKETS);
  const retries = counter('workqueue_retries_total', 'Jobs put back after a pass that failed.', ofQueue);
  gauge(
    'workqueue_unfinished_work_seconds',
    'For how long the passes under way have been so, added up.',
    ofQueue,
    function () {
      for (const [name, queue] of queues) this.set({ name, controller: name }, queue.unfinishedWork.seconds);
    },
  );
  gauge(
    'workqueue_longest_running_processor_seconds',
    'For how long the longest pass under way has been so.',
    ofQueue,
    function () {
      for (const [name, queue] of queues) this.set({ name, controller: name }, queue.unfinishedWork.longest);
    },
  );
  const requests = counter(
    'rest_client_requests_total',
    'Requests to the API server, by the status that came back; `<error>`: none did.',
    ['code', 'method', 'host'],
  );
  const leads = gauge('leader_election_master_status', '1: this replica leads. 0: it waits.', ['name']);
  if (lease !== undefined) leads.set({ name: lease }, 0);
  const listTime = histogram(
    'flowjob_operator_list_duration_seconds',
    'How long it took to list all objects of a kind.',
    ['resource'],
    [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  );
  const watches = counter(
    'flowjob_operator_watches_ended_total',
    'Watches that ended: `timeout` in order, else the code of the error.',
    ['resource', 'cause'],
  );
  const dropped = counter('flowjob_operator_events_dropped_total', 'Events that were not written.', ['cause']);

  return {
    request: ({ method, status }) => requests.inc({ code: status, method, host }),
    listed: (resource, _items, seconds) => listTime.observe({ resource }, seconds),
    watchEnded: (resource, cause) => watches.inc({ resource, cause }),
    queueDepth: (name, keys) => depth.set({ name, controller: name }, keys),
    queueAdded: (name) => adds.inc({ name, controller: name }),
    queueWaited: (name, seconds) => waited.observe({ name, controller: name }, seconds),
    queueWorked: (name, seconds) => worked.observe({ name, controller: name }, seconds),
    queueRetried: (name) => retries.inc({ name, controller: name }),
    reconciled: (controller, result, seconds) => {
      reconciles.inc({ controller, result: result === 'terminal' ? 'error' : result });
      reconcileTime.observe({ controller }, seconds);
      if (result === 'error' || result === 'terminal') errors.inc({ controller });
      if (result === 'terminal') terminals.inc({ controller });
    },
    activeWorkers: (controller, workers) => active.set({ controller }, workers),
    leader: (name, leading) => leads.set({ name }, leading ? 1 : 0),
    eventDropped: (cause) => dropped.inc({ cause }),
    watchQueue: (name, workers, queue) => {
      queues.set(name, queue);
      most.set({ controller: name }, workers);
      active.set({ controller: name }, 0);
      depth.set({ name, controller: name }, 0);
      errors.inc({ controller: name }, 0);
      retries.inc({ name, controller: name }, 0);
      for (const result of ['success', 'requeue_after', 'error']) reconciles.inc({ controller: name, result }, 0);
    },
  };
}
