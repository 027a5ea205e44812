// What Flink's autoscaler asks of a cluster and reads of the answers: ScalingMetricCollector, RestApiMetricsCollector, JobTopology, IOMetrics and
// JobStatusUtils of flink-kubernetes-operator, module flink-autoscaler. Everything that it cannot do without is asserted here; a NotReadyException or
// MetricNotFoundException there is an Error here.

/** GET of a path; the body. */
export type Get = (path: string) => Promise<unknown>;

interface Aggregated {
  id: string;
  min: number | 'NaN';
  max: number | 'NaN';
  avg: number | 'NaN';
  sum: number | 'NaN';
}

export interface CollectedVertex {
  inputs: { id: string; ship_strategy: string }[];
  parallelism: number;
  maxParallelism: number;
  slotSharingGroupId: string;
  finished: boolean;
  numRecordsIn: number;
  numRecordsOut: number;
  accumulatedBusyTime: number;
  /** By the autoscaler's name for it. */
  metrics: Map<string, Aggregated>;
}

export interface Collected {
  runningSince: number;
  vertices: Map<string, CollectedVertex>;
  slots: { total: number; available: number };
  memory: Map<string, { min: number; max: number; avg: number }>;
}

interface JobDetails {
  timestamps: Record<string, number>;
  vertices: {
    id: string;
    slotSharingGroupId: string;
    maxParallelism: number;
    status: string;
    metrics: Record<string, unknown>;
  }[];
  plan: { nodes: { id: string; parallelism: number; inputs?: { id: string; ship_strategy: string }[] }[] };
}

/** FlinkMetric: names of metrics by what they are good for. */
const METRICS: Record<string, (name: string) => boolean> = {
  BUSY_TIME_PER_SEC: (name) => name === 'busyTimeMsPerSecond',
  SOURCE_TASK_NUM_RECORDS_IN_PER_SEC: (name) => name.startsWith('Source__') && name.endsWith('.numRecordsInPerSecond'),
  SOURCE_TASK_NUM_RECORDS_OUT: (name) => name.startsWith('Source__') && name.endsWith('.numRecordsOut'),
  SOURCE_TASK_NUM_RECORDS_IN: (name) => name.startsWith('Source__') && name.endsWith('.numRecordsIn'),
  PENDING_RECORDS: (name) => name.endsWith('.pendingRecords'),
  BACKPRESSURE_TIME_PER_SEC: (name) => name === 'backPressuredTimeMsPerSecond',
  NUM_RECORDS_IN_PER_SEC: (name) => name === 'numRecordsInPerSecond',
};
const OF_SOURCES = {
  required: [
    ...['BUSY_TIME_PER_SEC', 'BACKPRESSURE_TIME_PER_SEC'],
    ...['SOURCE_TASK_NUM_RECORDS_IN_PER_SEC', 'SOURCE_TASK_NUM_RECORDS_IN'],
  ],
  optional: ['PENDING_RECORDS', 'SOURCE_TASK_NUM_RECORDS_OUT'],
};
const OF_OTHERS = { required: ['BUSY_TIME_PER_SEC'], optional: ['NUM_RECORDS_IN_PER_SEC'] };
const MEMORY = [
  ...['Status.JVM.Memory.Heap.Max', 'Status.JVM.Memory.Heap.Used', 'Status.Flink.Memory.Managed.Used'],
  ...['Status.JVM.Memory.Metaspace.Used', 'Status.JVM.GarbageCollector.All.TimeMsPerSecond'],
];
const SHIP_STRATEGIES = ['HASH', 'REBALANCE', 'RESCALE', 'FORWARD', 'CUSTOM', 'BROADCAST', 'GLOBAL', 'SHUFFLE'];

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** A number as Jackson reads one into a double: `"NaN"` is one too. */
function double(value: unknown, of: string): number {
  check(typeof value === 'number' || value === 'NaN', `${of} is ${JSON.stringify(value)}, not a number`);
  return Number(value);
}

/** JobStatusUtils: what of the jobs there are is RUNNING with every task. */
export async function runningJobs(get: Get): Promise<string[]> {
  const { jobs } = (await get('/v1/jobs/overview')) as {
    jobs: { jid: string; name: string; state: string; 'start-time': number; tasks: Record<string, number> }[];
  };
  return jobs
    .filter(({ state, tasks }) => state === 'RUNNING' && tasks['total'] === tasks['running']! + tasks['finished']!)
    .map(({ jid }) => jid);
}

/** One pass of ScalingMetricCollector. Throws what keeps the autoscaler from deciding. */
export async function collect(get: Get, jobId: string): Promise<Collected> {
  const details = (await get(`/v1/jobs/${jobId}`)) as JobDetails;
  const runningSince = details.timestamps['RUNNING'] ?? 0;
  check(runningSince > 0, 'the job has no time at which it was RUNNING');
  check(details.plan.nodes.length > 0, 'the plan has no nodes');
  const vertices = new Map<string, CollectedVertex>();
  for (const { id, parallelism, inputs = [] } of details.plan.nodes) {
    const info = details.vertices.find((vertex) => vertex.id === id);
    check(info !== undefined, `${id} of the plan is no vertex`);
    check(
      /^[0-9a-f]{32}$/.test(info.slotSharingGroupId),
      `${id} has the slot sharing group ${info.slotSharingGroupId}`,
    );
    for (const input of inputs)
      check(SHIP_STRATEGIES.includes(input.ship_strategy), `${id} has a ship strategy ${input.ship_strategy}`);
    const base = `/v1/jobs/${jobId}/vertices/${id}/subtasks/metrics`;
    const finished = info.status === 'FINISHED';
    vertices.set(id, {
      inputs,
      parallelism: double(parallelism, `${id} parallelism`),
      maxParallelism: double(info.maxParallelism, `${id} maxParallelism`),
      slotSharingGroupId: info.slotSharingGroupId,
      finished,
      numRecordsIn: double(info.metrics['read-records'], 'read-records'),
      numRecordsOut: double(info.metrics['write-records'], 'write-records'),
      accumulatedBusyTime: double(info.metrics['accumulated-busy-time'], 'accumulated-busy-time'),
      metrics: finished ? new Map<string, Aggregated>() : await vertexMetrics(get, base, inputs.length === 0),
    });
  }
  return { runningSince, vertices, ...(await clusterMetrics(get)) };
}

async function vertexMetrics(get: Get, base: string, isSource: boolean): Promise<Map<string, Aggregated>> {
  const names = ((await get(base)) as { id: string }[]).map(({ id }) => id);
  const { required, optional } = isSource ? OF_SOURCES : OF_OTHERS;
  const wanted = new Map<string, string>();
  for (const metric of required) {
    const name = names.find(METRICS[metric]!);
    check(name !== undefined, `${metric} is not among ${names.join(', ')}`);
    wanted.set(name, metric);
  }
  for (const metric of optional) for (const name of names.filter(METRICS[metric]!)) wanted.set(name, metric);
  const found = (await get(`${base}?get=${[...wanted.keys()].join(',')}`)) as Aggregated[];
  check(found.length === wanted.size, `of ${[...wanted.keys()].join(', ')} there are ${found.length}`);
  for (const one of found)
    for (const part of ['min', 'max', 'avg', 'sum'] as const) double(one[part], `${part} of ${one.id}`);
  return new Map(found.map((one) => [wanted.get(one.id)!, one]));
}

async function clusterMetrics(get: Get): Promise<Pick<Collected, 'slots' | 'memory'>> {
  const slots = (await get('/v1/jobmanager/metrics?get=taskSlotsTotal,taskSlotsAvailable')) as {
    id: string;
    value: string;
  }[];
  const slotMetric = (name: string): number => {
    const value = slots.find(({ id }) => id === name)?.value;
    check(typeof value === 'string' && /^\d+$/.test(value), `${name} is ${JSON.stringify(value)}, not digits`);
    return Number(value);
  };
  const memory = (await get(`/v1/taskmanagers/metrics?get=${MEMORY.join(',')}&agg=min,max,avg`)) as Aggregated[];
  check(memory.length === MEMORY.length, `of the memory metrics there are ${memory.map(({ id }) => id).join(', ')}`);
  return {
    slots: { total: slotMetric('taskSlotsTotal'), available: slotMetric('taskSlotsAvailable') },
    memory: new Map(
      memory.map(({ id, min, max, avg }) => [id, { min: double(min, id), max: double(max, id), avg: double(avg, id) }]),
    ),
  };
}
