// One reading of a job from its REST API, under Flink's names. What is missing, not a number, or told as incomplete is null: nothing is guessed, least of all 0.
import type {
  Pause,
  Sample,
  ShipStrategy,
  SubtaskTimes,
  TaskManagerSample,
  VertexSample,
} from '../../autoscaler/model.ts';
import type { EngineClient } from '../../engine-client/engine-client.ts';

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

const TIMES = ['busyTimeMsPerSecond', 'backPressuredTimeMsPerSecond', 'idleTimeMsPerSecond'] as const;
const PENDING = '.pendingRecords';
/** As many pauses as a decision looks back at. */
const PAUSES_KEPT = 16;

/** `running`: all tasks do. Throws EngineClientError when the job itself cannot be read; what is less is null. */
export async function readSample(
  client: EngineReader,
  jobId: string,
  at: number,
): Promise<{ sample: Sample; running: boolean; restarts: number }> {
  const [details, counters] = await Promise.all([
    client.get<Details>(`/jobs/${jobId}`),
    client.get<Metric[]>(`/jobs/${jobId}/metrics?get=numRescales,numRestarts`),
  ]);
  const [vertices, taskManagers, pauses] = await Promise.all([
    Promise.all(details.vertices.map((vertex) => readVertex(client, jobId, vertex, details))),
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
): Promise<VertexSample> {
  const inputs = plan.nodes.find((node) => node.id === id)?.inputs ?? [];
  const path = `/jobs/${jobId}/vertices/${id}/metrics`;
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
    recordsIn: complete(metrics, 'read-records'),
    recordsOut: complete(metrics, 'write-records'),
    subtasks: subtasks.flatMap((subtask) => timesOf(subtask, values) ?? []),
    pendingRecords: inputs.length > 0 ? null : await readPending(client, path, parallelism).catch(() => null),
    // The embedded engine's sources have none: their splits go to whoever is free.
    partitions: null,
  };
}

function timesOf(subtask: number, values: ReadonlyMap<string, number | null>): SubtaskTimes | null {
  const [busy = null, backPressured = null, idle = null] = TIMES.map((metric) => values.get(`${subtask}.${metric}`));
  return busy === null && backPressured === null && idle === null ? null : { busy, backPressured, idle };
}

/** Summed over the subtasks; null unless each of them tells. */
async function readPending(client: EngineReader, path: string, parallelism: number): Promise<number | null> {
  const names = (await client.get<Metric[]>(path)).map(({ id }) => id).filter((id) => id.endsWith(PENDING));
  const telling = new Set(names.map((name) => name.split('.', 1)[0]));
  if (telling.size < parallelism) return null;
  const values = (await client.get<Metric[]>(`${path}?get=${names.map(encodeURIComponent).join(',')}`)).map(
    ({ value }) => numberOf(value),
  );
  if (values.length < names.length || values.includes(null)) return null;
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

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
