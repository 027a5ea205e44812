// One reading of a job from its REST API, under Flink's names. What is missing, not a number, or told as incomplete is null: nothing is guessed, least of all 0.
import type {
  Pause,
  Sample,
  ShipStrategy,
  SubtaskTimes,
  TaskManagerSample,
  VertexSample,
} from '../../autoscaler/model.ts';
import type { EngineType } from '../../api/engine.ts';
import type { EngineClient } from '../../engine-client/engine-client.ts';
import { fetchMetrics } from '../../engine-client/flink/fresh-metrics.ts';

/** What is asked of the engine. */
export type EngineReader = Pick<EngineClient, 'get' | 'taskManagers'>;

interface Metric {
  id: string;
  value?: string;
}

/** GET /jobs/:jobid, as far as it is read here. */
interface Details {
  state: string;
  vertices: {
    id: string;
    name: string;
    parallelism: number;
    maxParallelism: number;
    tasks: Record<string, number>;
    metrics: Record<string, number | boolean | undefined>;
  }[];
  plan: { nodes: { id: string; inputs?: { id: string; ship_strategy: string }[] }[] };
}

interface Rescale {
  startTimestampInMillis: number;
  endTimestampInMillis: number | null;
  terminalState: string | null;
  triggerCause: string;
}

/** Of Flink's operators that read from outside, and of those alone: names of metrics begin with the operator's. */
const OF_SOURCE = /^Source__.*\.(numRecordsIn|numRecordsOut)$/;
const TIMES = ['busyTimeMsPerSecond', 'backPressuredTimeMsPerSecond', 'idleTimeMsPerSecond'] as const;
const PENDING = '.pendingRecords';
/** As many pauses as a decision looks back at. */
const PAUSES_KEPT = 16;

/** `engine`: on which the job runs. `running`: all tasks do. Throws EngineClientError when the job itself cannot be read; what is less is null. */
export async function readSample(
  client: EngineReader,
  jobId: string,
  at: number,
  engine: EngineType,
): Promise<{ sample: Sample; running: boolean; restarts: number }> {
  if (engine === 'Flink') await fetchMetrics(client, jobId);
  const [details, counters] = await Promise.all([
    client.get<Details>(`/jobs/${jobId}`),
    client.get<Metric[]>(`/jobs/${jobId}/metrics?get=numRescales,numRestarts`),
  ]);
  const [vertices, taskManagers, pauses] = await Promise.all([
    Promise.all(details.vertices.map((vertex) => readVertex(client, jobId, vertex, details, engine))),
    readTaskManagers(client).catch(() => null),
    readPauses(client, jobId).catch(() => []),
  ]);
  const count = (id: string): number => numberOf(counters.find((one) => one.id === id)?.value) ?? 0;
  return {
    running:
      details.state === 'RUNNING' &&
      details.vertices.every(({ tasks }) =>
        Object.entries(tasks).every(([state, tasksIn]) => tasksIn === 0 || state === 'RUNNING'),
      ),
    restarts: count('numRestarts'),
    sample: {
      at,
      run: jobId,
      rescales: count('numRescales'),
      runningSince: null,
      vertices,
      taskManagers,
      pauses,
      outOfMemoryKills: null,
    },
  };
}

async function readVertex(
  client: EngineReader,
  jobId: string,
  { id, name, parallelism, maxParallelism, metrics }: Details['vertices'][number],
  { plan }: Details,
  engine: EngineType,
): Promise<VertexSample> {
  const inputs = plan.nodes.find((node) => node.id === id)?.inputs ?? [];
  const path = `/jobs/${jobId}/vertices/${id}/metrics`;
  const ofSource = inputs.length > 0 ? null : await readSource(client, jobId, id, parallelism).catch(() => null);
  const recordsIn = complete(metrics, 'read-records');
  const subtasks = Array.from({ length: parallelism }, (_, subtask) => subtask);
  const wanted = subtasks.flatMap((subtask) => TIMES.map((metric) => `${subtask}.${metric}`));
  const found = await client.get<Metric[]>(`${path}?get=${wanted.join(',')}`).catch(() => []);
  const values = new Map(found.map((metric) => [metric.id, numberOf(metric.value)]));
  return {
    id,
    name,
    parallelism,
    maxParallelism,
    inputs: inputs.map((input) => ({ id: input.id, shipStrategy: input.ship_strategy as ShipStrategy })),
    // Flink counts what a vertex gets from other vertices, and what some of its sources read: of the others it says 0.
    recordsIn: engine === 'Flink' && inputs.length === 0 && recordsIn === 0 ? (ofSource?.records ?? null) : recordsIn,
    recordsOut: complete(metrics, 'write-records'),
    subtasks: subtasks.flatMap((subtask) => timesOf(subtask, values) ?? []),
    pendingRecords: ofSource?.pending ?? null,
    // The embedded engine's sources have none: their splits go to whoever is free.
    partitions: null,
  };
}

function timesOf(subtask: number, values: ReadonlyMap<string, number | null>): SubtaskTimes | null {
  const [busy = null, backPressured = null, idle = null] = TIMES.map((metric) => values.get(`${subtask}.${metric}`));
  return busy === null && backPressured === null && idle === null ? null : { busy, backPressured, idle };
}

/**
 * What only the operators of a source tell: what they read, or, of Flink's older kind, which do not count that, what they send on, and what waits to be read.
 * Which metrics there are is asked first: many sources do not tell what waits.
 */
async function readSource(
  client: EngineReader,
  jobId: string,
  id: string,
  parallelism: number,
): Promise<{ records: number | null; pending: number | null }> {
  const path = `/jobs/${jobId}/vertices/${id}`;
  const names = (await client.get<Metric[]>(`${path}/subtasks/metrics`)).map((metric) => metric.id);
  const counters = names.filter((name) => OF_SOURCE.test(name));
  const pending = names.filter((name) => name.endsWith(PENDING));
  const wanted = [...counters, ...pending];
  if (wanted.length === 0) return { records: null, pending: null };
  const subtasks = Array.from({ length: parallelism }, (_, subtask) => subtask);
  const asked = subtasks.flatMap((subtask) => wanted.map((name) => encodeURIComponent(`${subtask}.${name}`)));
  const found = await client.get<Metric[]>(`${path}/metrics?get=${asked.join(',')}`);
  const values = new Map(found.map((metric) => [metric.id, numberOf(metric.value)]));
  const sum = (of: readonly string[]): number | null =>
    sumOf(subtasks.flatMap((subtask) => of.map((name) => values.get(`${subtask}.${name}`) ?? null)));
  const read = sum(counters.filter((name) => name.endsWith('.numRecordsIn')));
  const sent = sum(counters.filter((name) => name.endsWith('.numRecordsOut')));
  return { records: read === 0 || read === null ? (sent ?? read) : read, pending: sum(pending) };
}

/** Null unless each is known. */
const sumOf = (values: readonly (number | null)[]): number | null =>
  values.length === 0 || values.includes(null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** Flink sums over the subtasks that it knows of, and says when it does not know all. */
function complete(metrics: Details['vertices'][number]['metrics'], name: string): number | null {
  const value = metrics[name];
  return metrics[`${name}-complete`] === false || typeof value !== 'number' || !Number.isFinite(value) ? null : value;
}

async function readTaskManagers(client: EngineReader): Promise<TaskManagerSample[]> {
  const { taskmanagers } = await client.taskManagers();
  return Promise.all(
    taskmanagers.map(async ({ id, slotsNumber, freeSlots }) => {
      const path = `/taskmanagers/${encodeURIComponent(id)}/metrics?get=residentMemory,processSize`;
      const metrics = await client.get<Metric[]>(path).catch((): Metric[] => []);
      const of = (name: string): number | null => numberOf(metrics.find((one) => one.id === name)?.value);
      return {
        id,
        slots: slotsNumber,
        freeSlots,
        memoryUsedBytes: of('residentMemory'),
        memoryLimitBytes: of('processSize'),
      };
    }),
  );
}

async function readPauses(client: EngineReader, jobId: string): Promise<Pause[]> {
  const history = await client.get<Rescale[]>(`/jobs/${jobId}/rescales/history`);
  return history
    .flatMap(({ startTimestampInMillis: at, endTimestampInMillis: end, terminalState, triggerCause }): Pause[] =>
      terminalState !== 'COMPLETED' || end === null || triggerCause === 'INITIAL_SCHEDULE'
        ? []
        : [{ at, durationMs: end - at, cause: triggerCause === 'RECOVERABLE_FAILOVER' ? 'Restart' : 'Rescale' }],
    )
    .sort((a, b) => a.at - b.at)
    .slice(-PAUSES_KEPT);
}

/** Null for what is no number: `NaN`, an empty text, nothing at all. */
function numberOf(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
