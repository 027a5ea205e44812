// What REST may see and ask of the JobManager.
import { randomBytes } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { attemptTag } from '../checkpoint/attempt.ts';
import type { Manifest } from '../checkpoint/storage.ts';
import { viewStorage, type StorageQuestion, type StorageView } from '../checkpoint/storage-view.ts';
import { describeError, EngineError } from '../errors.ts';
import {
  GatewayError,
  type JobManagerGateway,
  type JobResourceRequirements,
  type JobView,
  type OperationStatus,
  type SavepointRequest,
  type TaskManagerView,
} from '../rest/gateway.ts';
import { endedOtherwise, takesNoCommands } from '../rest/errors.ts';
import type { Coordinator } from './coordinator/coordinator.ts';
import { Operations } from './coordinator/operations.ts';
import type { JobMaster } from './job-master.ts';
import { checkedRequirements } from './requirements-request.ts';

export class Gateway implements JobManagerGateway {
  private readonly jobMaster: JobMaster;
  private readonly disposals = new Operations();

  constructor(jobMaster: JobMaster) {
    this.jobMaster = jobMaster;
  }

  job(): JobView | null {
    return this.jobMaster.view();
  }

  taskManagers(): TaskManagerView[] {
    return this.jobMaster.taskManagers();
  }

  clusterConfig(): [string, string][] {
    return this.jobMaster.config.entries();
  }

  jobManagerMetrics(): Record<string, number> {
    const memory = process.memoryUsage();
    const taskManagers = this.taskManagers();
    const slots = (count: (view: TaskManagerView) => number): number =>
      taskManagers.reduce((sum, view) => sum + count(view), 0);
    return {
      numRegisteredTaskManagers: taskManagers.length,
      numRunningJobs: this.jobMaster.view()?.status === 'RUNNING' ? 1 : 0,
      taskSlotsTotal: slots((view) => view.slots),
      taskSlotsAvailable: slots((view) => view.freeSlots),
      residentMemory: memory.rss,
      'Status.JVM.Memory.Heap.Used': memory.heapUsed,
      'Status.JVM.Memory.Heap.Committed': memory.heapTotal,
      'Status.JVM.Memory.Heap.Max': getHeapStatistics().heap_size_limit,
      'Status.JVM.Memory.Direct.MemoryUsed': memory.arrayBuffers,
    };
  }

  environment(): { version: string; arch: string; options: string[] } {
    return {
      version: `Node.js ${process.version} - V8 ${process.versions.v8}`,
      arch: process.arch,
      options: [...process.execArgv],
    };
  }

  async triggerSavepoint(jobId: string, request: SavepointRequest): Promise<{ triggerId: string }> {
    return this.savepoint(jobId, request, null);
  }

  async stopWithSavepoint(
    jobId: string,
    request: SavepointRequest & { drain: boolean },
  ): Promise<{ triggerId: string }> {
    return this.savepoint(jobId, request, request.drain ? 'DRAIN' : 'STOP');
  }

  async triggerCheckpoint(jobId: string, triggerId: string | null): Promise<{ triggerId: string }> {
    this.running(jobId);
    const id = triggerId ?? newId();
    this.jobMaster.deliver({ type: 'triggerCheckpoint', triggerId: id });
    return { triggerId: id };
  }

  savepointStatus(jobId: string, triggerId: string): OperationStatus | null {
    this.checkJob(jobId);
    return this.jobMaster.jobCoordinator?.operation(triggerId, 'SAVEPOINT') ?? null;
  }

  checkpointTriggerStatus(jobId: string, triggerId: string): OperationStatus | null {
    this.checkJob(jobId);
    return this.jobMaster.jobCoordinator?.operation(triggerId, 'CHECKPOINT') ?? null;
  }

  async disposeSavepoint(path: string): Promise<{ triggerId: string }> {
    const triggerId = newId();
    this.disposals.begin(triggerId, 'DISPOSAL');
    this.dispose(path).then(
      () => this.disposals.complete(triggerId, path),
      (error: unknown) => this.disposals.fail(triggerId, describeError(error), 'org.apache.flink.util.FlinkException'),
    );
    return { triggerId };
  }

  disposalStatus(triggerId: string): OperationStatus | null {
    return this.disposals.status(triggerId, 'DISPOSAL');
  }

  async storageView(question: StorageQuestion): Promise<StorageView> {
    return viewStorage(this.jobMaster.storage, question);
  }

  /** A job that is cancelled already is so again. */
  async cancelJob(jobId: string): Promise<void> {
    this.checkJob(jobId);
    const status = this.jobMaster.view()?.status;
    if (status === 'CANCELED') return;
    if (status === 'FINISHED' || status === 'FAILED') throw endedOtherwise(status);
    this.running(jobId);
    this.jobMaster.deliver({ type: 'cancel' });
  }

  async updateResourceRequirements(jobId: string, requested: JobResourceRequirements): Promise<void> {
    const requirements = checkedRequirements(this.running(jobId).view(), requested);
    this.jobMaster.deliver({ type: 'updateRequirements', requirements });
  }

  async shutDownCluster(): Promise<void> {
    this.jobMaster.shutDown();
  }

  private async savepoint(
    jobId: string,
    request: SavepointRequest,
    stop: 'STOP' | 'DRAIN' | null,
  ): Promise<{ triggerId: string }> {
    const { storage } = this.jobMaster;
    const coordinator = this.running(jobId);
    const triggerId = request.triggerId ?? newId();
    if (coordinator.operation(triggerId, 'SAVEPOINT') !== null) return { triggerId };
    const own = storage.savepointPath(jobId, triggerId, request.targetDirectory ?? undefined);
    // A directory has one manifest, ever: beside one that an earlier attempt completed, and that is of no use, goes another.
    let taken = false;
    let usable: string | null = null;
    for (const directory of new Set([own, ...(await storage.findSavepoints(jobId, triggerId))])) {
      const manifest = await storage.readManifest(directory).catch(unlessUnusable);
      if (manifest === undefined) continue;
      taken = true;
      if (usable === null && manifest !== null && stop === null && (await this.isUsable(coordinator, manifest)))
        usable = directory;
    }
    if (coordinator.operation(triggerId, 'SAVEPOINT') !== null) return { triggerId };
    const free = taken ? `${own}-${attemptTag(this.jobMaster.attempt!)}` : own;
    const directory = usable ?? free;
    this.jobMaster.deliver({ type: 'savepoint', triggerId, directory, stop, existing: usable !== null });
    return { triggerId };
  }

  /** One that was given up, and could not be removed, looks like one that a later checkpoint backs: but what it holds is gone. */
  private async isUsable(coordinator: Coordinator, savepoint: Manifest): Promise<boolean> {
    return coordinator.backs(savepoint) && this.jobMaster.holds(savepoint);
  }

  /** Storage removes what is left of a savepoint without asking whether there is one; who has mistaken the path is told. */
  private async dispose(path: string): Promise<void> {
    const { storage } = this.jobMaster;
    await storage.readManifest(path).catch((error: unknown) => {
      if (unlessUnusable(error) === undefined) throw error;
    });
    await storage.dispose(path);
  }

  private checkJob(jobId: string): void {
    if (jobId !== this.jobMaster.job.jobId)
      throw new GatewayError(404, 'org.apache.flink.runtime.rest.NotFoundException', `Job ${jobId} not found`);
  }

  /** The coordinator of a job that can still be asked for something. */
  private running(jobId: string): Coordinator {
    this.checkJob(jobId);
    const coordinator = this.jobMaster.jobCoordinator;
    if (coordinator !== null) return coordinator;
    const status = this.jobMaster.view()?.status ?? 'INITIALIZING';
    throw takesNoCommands(jobId, status);
  }
}

/** Undefined: there is none. Null: there is one that cannot be read. */
function unlessUnusable(error: unknown): null | undefined {
  if (!(error instanceof EngineError)) throw error;
  return error.code === 'SAVEPOINT_NOT_FOUND' ? undefined : null;
}

function newId(): string {
  return randomBytes(16).toString('hex');
}
