// One checkpoint on its way: who has acknowledged, what they reported, and the manifest that comes of it.
import type { Attempt } from '../../checkpoint/attempt.ts';
import { MANIFEST_VERSION, type Manifest, type TaskStateHandle } from '../../checkpoint/storage.ts';
import type { Committable, SourceSplit } from '../../connectors/connector.ts';
import type { CheckpointView, SubtaskCheckpointView } from '../../rest/gateway.ts';
import type { Barrier, Metrics, TaskMessage } from '../../rpc/protocol.ts';
import { KEY_GROUPS } from '../../state/key-groups.ts';
import type { ExecutionGraph } from './execution-graph.ts';
import type { ResourceRequirements } from './resource-requirements.ts';

/** Why a checkpoint is taken. */
export interface CheckpointRequest {
  kind: 'CHECKPOINT' | 'SAVEPOINT';
  /** RESCALE: the sources rest behind its barrier until the job goes on with another parallelism. */
  after: Barrier['after'] | 'RESCALE';
  /** Of who asked for it; null for a periodic one. */
  triggerId: string | null;
  /** Where a savepoint goes; null: the checkpoint's own place. */
  directory: string | null;
}

/** A task that has a part in it. */
interface Participant {
  /** Of its execution. */
  id: string;
  vertexId: string;
  subtask: number;
}

type Acknowledgement = Extract<TaskMessage, { type: 'checkpointAck' }>;

/** Bytes of what a task has in the manifest itself. Flink counts it with the rest of what tasks report, and the manifest's own not. */
const sizeOfRecords = ({ sources, committables }: Acknowledgement): number =>
  [...sources.flatMap(({ splits }) => splits), ...committables].reduce(
    (sum, record) => sum + Buffer.byteLength(JSON.stringify(record)),
    0,
  );

export class PendingCheckpoint {
  readonly id: number;
  readonly request: CheckpointRequest;
  readonly directory: string;
  readonly view: CheckpointView;
  private readonly waitingFor: Map<string, SubtaskCheckpointView>;
  private readonly files: TaskStateHandle[] = [];
  private readonly sources: Map<string, SourceSplit[]>;
  private readonly metrics: Metrics[] = [];

  /** `sources`: splits not handed out when it was triggered, per source operator. */
  constructor(
    id: number,
    request: CheckpointRequest,
    directory: string,
    executions: Participant[],
    sources: Map<string, SourceSplit[]>,
    wall: number,
  ) {
    this.id = id;
    this.request = request;
    this.directory = directory;
    const parts = executions.map(({ id, vertexId, subtask }) => {
      const view: SubtaskCheckpointView = { subtask, ackTimestamp: null, stateSize: 0, checkpointedSize: 0 };
      return { id, vertexId, view };
    });
    this.waitingFor = new Map(parts.map(({ id, view }) => [id, view]));
    this.sources = sources;
    this.view = {
      id,
      kind:
        request.kind === 'CHECKPOINT' ? 'CHECKPOINT' : request.after === 'CONTINUE' ? 'SAVEPOINT' : 'SYNC_SAVEPOINT',
      status: 'IN_PROGRESS',
      triggerTimestamp: wall,
      latestAckTimestamp: 0,
      endTimestamp: null,
      stateSize: 0,
      checkpointedSize: 0,
      externalPath: null,
      discarded: false,
      failureTimestamp: null,
      failureMessage: null,
      numSubtasks: executions.length,
      numAcknowledged: 0,
      tasks: [...Map.groupBy(parts, ({ vertexId }) => vertexId)].map(([vertexId, subtasks]) => ({
        vertexId,
        subtasks: subtasks.map(({ view }) => view),
      })),
    };
  }

  /** True when this was the last one. A repeated acknowledgement changes nothing. */
  acknowledge(message: Acknowledgement, wall: number): boolean {
    const part = this.waitingFor.get(message.execution);
    if (part === undefined) return false;
    this.waitingFor.delete(message.execution);
    part.ackTimestamp = wall;
    if (message.handle !== null) {
      const { length, pages, operators } = message.handle;
      this.files.push(message.handle);
      part.checkpointedSize += length;
      part.stateSize += pages === undefined ? length : operators.reduce((sum, { keyedBytes }) => sum + keyedBytes, 0);
    }
    const small = sizeOfRecords(message);
    part.checkpointedSize += small;
    part.stateSize += small;
    this.view.checkpointedSize += part.checkpointedSize;
    this.view.stateSize += part.stateSize;
    for (const { operatorId, splits } of message.sources)
      this.sources.set(operatorId, [...(this.sources.get(operatorId) ?? []), ...splits]);
    this.metrics.push(message.metrics);
    this.view.numAcknowledged++;
    this.view.latestAckTimestamp = wall;
    return this.waitingFor.size === 0;
  }

  /** Of all tasks at their barriers. */
  taskMetrics(): Metrics[] {
    return this.metrics;
  }

  manifest(
    graph: ExecutionGraph,
    { jobId, attempt }: { jobId: string; attempt: Attempt },
    committables: Committable[],
    counters: Metrics,
    requirements: ResourceRequirements,
  ): Manifest {
    return {
      formatVersion: MANIFEST_VERSION,
      kind: this.request.kind,
      jobId,
      jobName: graph.plan.jobName,
      checkpointId: this.id,
      ...attempt,
      triggerTimestamp: this.view.triggerTimestamp,
      maxParallelism: KEY_GROUPS,
      operators: graph.plan.vertices.flatMap((vertex) =>
        vertex.operators.map(({ id, uid, name }) => ({
          operatorId: id,
          uid,
          name,
          vertexId: vertex.id,
          parallelism: vertex.parallelism,
        })),
      ),
      files: this.files,
      sources: [...this.sources].map(([operatorId, splits]) => ({
        operatorId,
        splits: splits.sort((a, b) => a.ordinal - b.ordinal),
      })),
      committables,
      counters,
      requirements,
      endOfInput: this.request.after === 'FINAL',
    };
  }
}
