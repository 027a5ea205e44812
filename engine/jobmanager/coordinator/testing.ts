// A world for the coordinator's tests: TaskManagers that obey at once, storage that answers when it is told to, a clock that is set by hand.
import type { Manifest } from '../../checkpoint/storage.ts';
import type { Committable, SourceSplit } from '../../connectors/connector.ts';
import type { ExecEdge, ExecPlan, ExecVertex } from '../../plan/exec-plan.ts';
import { sqlType } from '../../plan/types.ts';
import type { TaskDeployment, TaskMessage, ToTaskManager } from '../../rpc/protocol.ts';
import { Coordinator } from './coordinator.ts';
import type { Action, CoordinatorEvent, CoordinatorOptions } from './messages.ts';

const schema = [{ name: 'k', type: sqlType.bigint() }];
const table = { name: 'events', connector: 'filesystem', options: {}, schema };

function vertex(id: string, type: 'Source' | 'Sink', parallelism: number): ExecVertex {
  const base = { id, uid: id, name: id, input: null, outputSchema: schema, table };
  const operator = type === 'Source' ? { ...base, type, projection: [0] } : { ...base, type };
  return { id, name: id, parallelism, maxParallelism: 128, operators: [operator] };
}

/** Source -> sink, hashed, `parallelism` subtasks each. */
export function testPlan(mode: 'STREAMING' | 'BATCH', parallelism: number): ExecPlan {
  const edge: ExecEdge = {
    id: 'source->sink',
    sourceVertex: 'source',
    sourceOperator: 'source',
    targetVertex: 'sink',
    exchange: { kind: 'HASH', keys: [0] },
    shuffle: mode === 'BATCH' ? 'BLOCKING' : 'PIPELINED',
    schema,
  };
  const vertices = [vertex('source', 'Source', parallelism), vertex('sink', 'Sink', parallelism)];
  return { formatVersion: 1, jobName: 'test', mode, vertices, edges: [edge], settings: {} };
}

export function split(ordinal: number, group = 'file'): SourceSplit {
  return { id: `split-${ordinal}`, ordinal, group, position: {} };
}

export function testOptions(plan: ExecPlan, overrides: Partial<CoordinatorOptions> = {}): CoordinatorOptions {
  return {
    jobId: 'ab'.repeat(16),
    attempt: { epoch: 1, restart: 0 },
    plan,
    config: [],
    checkpointing: {
      interval: 1000,
      timeout: 5000,
      minPause: 0,
      retained: 1,
      tolerableFailed: 0,
      retention: 'RETAIN_ON_CANCELLATION',
    },
    restart: { type: 'fixed-delay', attempts: 3, delay: 100 },
    rescale: {
      submissionResourceWait: null,
      submissionResourceStabilization: 1e9,
      cooldown: 0,
      executingResourceStabilization: 1e9,
      maxTriggerDelay: 1e9,
      maxCheckpointFailures: 2,
      historySize: 10,
    },
    heartbeatTimeout: 1e9,
    cancellationTimeout: 1e9,
    sources: [{ operatorId: 'source', maxReaders: 128, splits: [split(0), split(1)], sizeOf: () => null }],
    restored: null,
    retainedCheckpoints: [],
    checkpointPath: (id) => `chk-${id}`,
    ...overrides,
  };
}

type Of<T extends Action['type']> = Extract<Action, { type: T }>;

export class World {
  readonly coordinator: Coordinator;
  now = 0;
  /** By how much the wall clock is ahead of `now`. */
  wallAhead = 0;
  /** Everything decided so far. */
  readonly actions: Action[] = [];

  constructor(options: CoordinatorOptions) {
    this.coordinator = new Coordinator(options, 0, 0);
    this.tell({ type: 'start' });
  }

  tell(event: CoordinatorEvent): Action[] {
    const decided = this.coordinator.handle(event, this.now, this.now + this.wallAhead);
    this.actions.push(...decided);
    // Removals take no time.
    if (decided.some(({ type }) => type === 'awaitRemovals'))
      return [...decided, ...this.tell({ type: 'removalsEnded' })];
    return decided;
  }

  /** Lets time pass until the next timer, or by `ms`. */
  wait(ms: number): void {
    this.now += ms;
    this.tell({ type: 'timer' });
  }

  register(taskManagerId: string, slots: number): void {
    const addresses = Array.from({ length: slots }, (_, slot) => ({ taskManagerId, slot, host: 'h', port: slot }));
    this.tell({
      type: 'taskManagerRegistered',
      info: { taskManagerId, slots: addresses, pid: 1, cpuCores: 1, physicalMemory: 1 },
    });
  }

  of<T extends Action['type']>(type: T): Of<T>[] {
    return this.actions.filter((action): action is Of<T> => action.type === type);
  }

  sent<T extends ToTaskManager['type']>(type: T): Extract<ToTaskManager, { type: T }>[] {
    return this.of('send').flatMap(({ message }) =>
      message.type === type ? [message as Extract<ToTaskManager, { type: T }>] : [],
    );
  }

  /** The deployments of the present attempt: each subtask's last one. */
  deployments(): TaskDeployment[] {
    const last = new Map(this.sent('deploy').map(({ task }) => [`${task.vertex.id}-${task.subtask}`, task]));
    return [...last.values()];
  }

  execution(vertexId: string, subtask: number): string {
    return this.deployments().find((task) => task.vertex.id === vertexId && task.subtask === subtask)!.execution;
  }

  report(
    execution: string,
    state: 'RUNNING' | 'FINISHED' | 'FAILED' | 'CANCELED',
    result: Extract<TaskMessage, { type: 'taskState' }>['result'] = null,
  ): void {
    const error = state === 'FAILED' ? { code: 'X', message: 'broken', stack: 'broken', lostProducer: null } : null;
    this.tell({ type: 'task', message: { type: 'taskState', execution, state, error, metrics: {}, result } });
  }

  /** All tasks deployed last report RUNNING. */
  run(): void {
    for (const { execution } of this.deployments()) this.report(execution, 'RUNNING');
  }

  /** All tasks that were told to leave do. */
  obeyCancels(): void {
    for (const { execution } of this.sent('cancel')) this.report(execution, 'CANCELED');
  }

  acknowledge(
    checkpointId: number,
    execution: string,
    committables: Committable[] = [],
    splits: SourceSplit[] = [],
  ): void {
    const sources = execution.includes('-0-') && splits.length > 0 ? [{ operatorId: 'source', splits }] : [];
    this.tell({
      type: 'task',
      message: { type: 'checkpointAck', execution, checkpointId, handle: null, sources, committables, metrics: {} },
    });
  }

  /** Every task acknowledges; the last sink with `committables`. */
  acknowledgeAll(checkpointId: number, committables: Committable[] = []): void {
    const tasks = this.deployments();
    tasks.forEach(({ execution }, i) =>
      this.acknowledge(checkpointId, execution, i === tasks.length - 1 ? committables : []),
    );
  }

  lastManifest(): Manifest {
    return this.of('publishManifest').at(-1)!.manifest;
  }

  publish(): void {
    this.tell({ type: 'manifestPublished', checkpointId: this.lastManifest().checkpointId });
  }

  commit(): void {
    const last = this.of('commit').at(-1);
    if (last !== undefined) this.tell({ type: 'committed', commit: last.commit });
  }
}

export function committable(name: string): Committable {
  return { connector: 'filesystem', operatorId: 'sink', payload: { to: name } };
}
