// A JobManager in a chosen state, for tests of the REST API alone.
import { randomBytes } from 'node:crypto';
import { checkedRequirements } from '../../engine/jobmanager/requirements-request.ts';
import type { ExecPlan } from '../../engine/plan/exec-plan.ts';
import { sqlType } from '../../engine/plan/types.ts';
import { endedOtherwise } from '../../engine/rest/errors.ts';
import type {
  CheckpointView,
  JobResourceRequirements,
  JobManagerGateway,
  JobStatus,
  JobView,
  OperationStatus,
  SavepointRequest,
  TaskManagerView,
} from '../../engine/rest/gateway.ts';

export const JOB_ID = '68e6653b4af259333a782d828f7aea17';
const SOURCE = 'cbc357ccb763df2852fee8c4fc7d55f2';
const WINDOW = 'f6dc7f4d2283f4605b127b9364e21148';
export const START = 1_795_367_682_278;

const schema = [{ name: 'auction', type: sqlType.bigint() }];
const table = { name: 'bid', connector: 'datagen', options: { connector: 'datagen' }, schema };

const plan: ExecPlan = {
  formatVersion: 1,
  jobName: 'nexmark-like-stream',
  mode: 'STREAMING',
  settings: {},
  vertices: [
    {
      id: SOURCE,
      name: 'Source: bid[1]',
      parallelism: 2,
      maxParallelism: 128,
      operators: [
        {
          type: 'Source',
          id: SOURCE,
          uid: 'source:bid',
          name: 'Source: bid[1]',
          input: null,
          outputSchema: schema,
          table,
          projection: [0],
        },
      ],
    },
    {
      id: WINDOW,
      name: 'Sink: snk[2]',
      parallelism: 2,
      maxParallelism: 128,
      operators: [
        { type: 'Sink', id: WINDOW, uid: 'sink:snk', name: 'Sink: snk[2]', input: null, outputSchema: schema, table },
      ],
    },
  ],
  edges: [
    {
      id: `${SOURCE}->${WINDOW}`,
      sourceVertex: SOURCE,
      sourceOperator: SOURCE,
      targetVertex: WINDOW,
      exchange: { kind: 'HASH', keys: [0] },
      shuffle: 'PIPELINED',
      schema,
    },
  ],
};

const metrics = {
  ...{ numRecordsIn: 50_080, numRecordsOut: 50_451, numBytesIn: 2_458_025, numBytesOut: 2_475_193 },
  ...{
    numRecordsInPerSecond: 834.6,
    numRecordsOutPerSecond: 848.5,
    numBytesInPerSecond: 40_965.3,
    numBytesOutPerSecond: 41_000,
  },
  ...{
    busyTimeMsPerSecond: 8,
    idleTimeMsPerSecond: 992,
    backPressuredTimeMsPerSecond: 0,
    currentInputWatermark: 1_795_367_740_213,
  },
  ...{ accumulateBusyTimeMs: 1229, accumulateIdleTimeMs: 56_365, accumulateBackPressuredTimeMs: 0 },
};

const checkpoint = (id: number, kind: CheckpointView['kind']): CheckpointView => ({
  id,
  kind,
  status: 'COMPLETED',
  triggerTimestamp: START + id * 5000,
  latestAckTimestamp: START + id * 5000 + 60,
  endTimestamp: START + id * 5000 + 60,
  stateSize: 325_478,
  checkpointedSize: 325_478,
  externalPath: `/data/checkpoints/${JOB_ID}/chk-${id}`,
  discarded: false,
  failureTimestamp: null,
  failureMessage: null,
  numSubtasks: 4,
  numAcknowledged: 4,
  tasks: [SOURCE, WINDOW].map((vertexId) => ({
    vertexId,
    subtasks: [0, 1].map((subtask) => ({
      subtask,
      ackTimestamp: START + id * 5000 + 57 + subtask * 3,
      stateSize: 80_000 + subtask,
      checkpointedSize: 80_000 + subtask,
    })),
  })),
});

const failedCheckpoint: CheckpointView = {
  ...checkpoint(13, 'CHECKPOINT'),
  status: 'FAILED',
  externalPath: null,
  failureTimestamp: START + 70_000,
  failureMessage: 'The job has ended.',
};

const bounds = (lowerBound: number, upperBound: number) => ({ parallelism: { lowerBound, upperBound } });

const rescaleOptions = {
  submissionResourceWait: 300_000,
  submissionResourceStabilization: 10_000,
  cooldown: 30_000,
  executingResourceStabilization: 60_000,
  maxTriggerDelay: 15_000,
  maxCheckpointFailures: 2,
  historySize: 0,
};
const counts = { ignored: 0, inProgress: 0, completed: 0, failed: 0 };
const latest = { completed: null, failed: null, ignored: null };

export class FakeGateway implements JobManagerGateway {
  readonly operations = new Map<string, OperationStatus>();
  readonly calls: string[] = [];
  private readonly view: JobView;

  constructor(status: JobStatus) {
    const terminal = ['FINISHED', 'FAILED', 'CANCELED'].includes(status);
    const zero = {
      ...{ INITIALIZING: START, CREATED: START + 2, RUNNING: START + 3 },
      FAILING: 0,
      FAILED: 0,
      CANCELLING: 0,
      CANCELED: 0,
    };
    this.view = {
      jobId: JOB_ID,
      name: plan.jobName,
      epoch: 1,
      plan,
      status,
      timestamps: {
        ...zero,
        FINISHED: 0,
        RESTARTING: 0,
        SUSPENDED: 0,
        RECONCILING: 0,
        ...(terminal ? { [status]: START + 9000 } : {}),
      },
      startTime: START,
      endTime: terminal ? START + 9000 : 0,
      vertices: [SOURCE, WINDOW].map((id) => ({
        id,
        subtasks: [0, 1].map((subtask) => ({
          subtask,
          state: 'RUNNING',
          attempt: 0,
          taskManagerId: 'taskmanager-0',
          host: 'localhost:46503',
          timestamps: {
            CREATED: START,
            SCHEDULED: START + 1,
            DEPLOYING: START + 2,
            INITIALIZING: START + 3,
            RUNNING: START + 4,
          },
          metrics,
        })),
      })),
      checkpoints: {
        counts: { restored: 1, total: terminal ? 13 : 12, inProgress: 0, completed: 12, failed: terminal ? 1 : 0 },
        history: [...(terminal ? [failedCheckpoint] : []), checkpoint(12, 'CHECKPOINT'), checkpoint(11, 'SAVEPOINT')],
        latest: {
          completed: checkpoint(12, 'CHECKPOINT'),
          // It has left the history.
          savepoint: checkpoint(5, 'SAVEPOINT'),
          failed: terminal ? failedCheckpoint : null,
        },
        numbers: [{ checkpointedSize: 1, stateSize: 1, duration: 1 }],
        restored: {
          id: 7,
          restoreTimestamp: START,
          isSavepoint: true,
          externalPath: '/data/savepoints/savepoint-68e665-914643625659',
        },
      },
      exceptions:
        status === 'FAILED' || status === 'RESTARTING'
          ? [
              {
                timestamp: START + 8000,
                exceptionName: 'CSV_BAD_ROW',
                stacktrace: 'CSV_BAD_ROW: file a.csv, row 3: "x" is not a BIGINT',
                taskName: 'Source: bid[1] (1/2)',
                endpoint: 'localhost:46503',
                taskManagerId: 'taskmanager-0',
              },
            ]
          : [],
      config: [
        ['execution.checkpointing.interval', '5s'],
        ['execution.checkpointing.timeout', '10min'],
        ['parallelism.default', '2'],
      ],
      numRestarts: 0,
      numRescales: 0,
      requirements: terminal ? null : Object.fromEntries([SOURCE, WINDOW].map((id) => [id, bounds(1, 2)])),
      rescales: terminal ? null : { options: rescaleOptions, counts, latest, history: [] },
      summary: {},
    };
  }

  job(): JobView {
    return this.view;
  }

  taskManagers(): TaskManagerView[] {
    const sizes = {
      processSize: 2 ** 29,
      'Status.JVM.Memory.Heap.Used': 2 ** 27,
      'Status.JVM.Memory.Heap.Max': 2 ** 28,
    };
    const gc = { 'Status.JVM.GarbageCollector.All.TimeMsPerSecond': 0.7, 'Status.JVM.GarbageCollector.All.Count': 6 };
    const rest = { 'Status.Flink.Memory.Managed.Used': 0, 'Status.JVM.Memory.Metaspace.Used': 0 };
    const common = { slots: 4, freeSlots: 2, lastHeartbeat: START, pid: 7, cpuCores: 2, physicalMemory: 2 ** 34 };
    return [
      {
        id: 'taskmanager-0',
        path: 'localhost:46503',
        dataPort: 46_503,
        ...common,
        metrics: { ...sizes, ...gc, ...rest },
      },
    ];
  }

  clusterConfig(): [string, string][] {
    return [['rest.port', '8081']];
  }

  jobManagerMetrics(): Record<string, number> {
    const slots = { taskSlotsAvailable: 2, taskSlotsTotal: 4, numRunningJobs: 1, numRegisteredTaskManagers: 1 };
    return { ...slots, 'Status.JVM.Memory.Heap.Used': 50_051_408, 'Status.JVM.CPU.Load': 0 };
  }

  environment(): { version: string; arch: string; options: string[] } {
    return { version: 'Node.js v24.0.0', arch: 'x64', options: ['--semi-space-growth-factor=1'] };
  }

  async triggerSavepoint(_jobId: string, request: SavepointRequest): Promise<{ triggerId: string }> {
    return this.start('savepoint', request.triggerId, '/data/savepoints/savepoint-68e665-9c89edb07c0a');
  }

  async stopWithSavepoint(
    _jobId: string,
    request: SavepointRequest & { drain: boolean },
  ): Promise<{ triggerId: string }> {
    return this.start(
      `stop drain=${request.drain}`,
      request.triggerId,
      '/data/savepoints/savepoint-68e665-914643625659',
    );
  }

  async triggerCheckpoint(_jobId: string, triggerId: string | null): Promise<{ triggerId: string }> {
    return this.start('checkpoint', triggerId, '72');
  }

  savepointStatus(_jobId: string, triggerId: string): OperationStatus | null {
    return this.operations.get(triggerId) ?? null;
  }

  checkpointTriggerStatus(_jobId: string, triggerId: string): OperationStatus | null {
    return this.operations.get(triggerId) ?? null;
  }

  async disposeSavepoint(path: string): Promise<{ triggerId: string }> {
    return this.start(`dispose ${path}`, null, '');
  }

  disposalStatus(triggerId: string): OperationStatus | null {
    return this.operations.get(triggerId) ?? null;
  }

  async storageView(): Promise<never> {
    throw new Error('the state is not asked for in these tests');
  }

  async cancelJob(): Promise<void> {
    this.calls.push('cancel');
    if (this.view.status === 'FINISHED') throw endedOtherwise(this.view.status);
  }

  async updateResourceRequirements(_jobId: string, requested: JobResourceRequirements): Promise<void> {
    this.calls.push(`rescale ${JSON.stringify(checkedRequirements(this.view, requested))}`);
    this.view.requirements = requested;
  }

  async shutDownCluster(): Promise<void> {
    this.calls.push('shutdown');
  }

  private start(call: string, triggerId: string | null, location: string): { triggerId: string } {
    const id = triggerId ?? randomBytes(16).toString('hex');
    this.calls.push(`${call} ${id}`);
    this.operations.set(id, { state: 'COMPLETED', location });
    return { triggerId: id };
  }
}
