// How large the engine has a job that is being rescaled, and what it answered when it was asked for another size.
import type { FlowJob } from '../api/flowjob.ts';
import type { EngineType } from '../api/engine.ts';
import { idOf, type ObjectKey } from '../api/object.ts';
import type { Attempt } from '../api/status.ts';
import { EngineClientError, type EngineClient } from '../engine-client/engine-client.ts';
import { flinkWaits } from '../engine-client/flink/rescale-waits.ts';
import type { EngineScale } from '../lifecycle/observation.ts';

/** NAME-EPOCH-taskmanager-INDEX, and -RESTARTS behind it: as processes and pods are named. */
const TASK_MANAGER = /-(\d+)-taskmanager-(\d+)(?:-\d+)?$/;

/** Undefined: one of another attempt, or of another name. */
function indexOf(id: string, epoch: number): number | undefined {
  const [, attempt, index] = TASK_MANAGER.exec(id) ?? [];
  return Number(attempt) === epoch ? Number(index) : undefined;
}

/** A no of the engine to what it was asked for; any other error is thrown on. */
export function refusalOf(error: unknown): string {
  // Gone, ended, or not up yet: the next look tells.
  if (error instanceof EngineClientError && error.httpStatus !== null && ![404, 409, 503].includes(error.httpStatus))
    return error.message;
  throw error;
}

/** Throws EngineClientError like any question. */
export async function scaleOf(client: EngineClient, attempt: Attempt, engine: EngineType): Promise<EngineScale> {
  const { jobId, epoch } = attempt;
  const [details, taskManagers, asked, waits] = await Promise.all([
    client.jobDetails(jobId),
    client.taskManagers(),
    client.resourceRequirements(jobId).catch(refusalOf),
    engine === 'Flink' ? flinkWaits(client, jobId) : null,
  ]);
  return {
    ...(waits === null ? {} : { waits }),
    refusal: typeof asked === 'string' ? asked : null,
    vertices: details.vertices.map(({ id, parallelism, maxParallelism, tasks }) => ({
      id,
      parallelism,
      maxParallelism,
      upperBound: typeof asked === 'string' ? parallelism : (asked[id]?.parallelism.upperBound ?? parallelism),
      running: Object.entries(tasks).every(([state, count]) => count === 0 || state === 'RUNNING'),
    })),
    taskManagers: taskManagers.taskmanagers.map(({ id, slotsNumber, freeSlots }) => ({
      index: indexOf(id, epoch),
      slots: slotsNumber,
      freeSlots,
    })),
  };
}

/** What engines refused when they were asked last. In memory only: a new operator asks again. */
export class RescaleRefusals {
  /** By job. */
  private readonly refusals = new Map<string, { asked: string; message: string }>();

  note(job: FlowJob, message: string): void {
    this.refusals.set(idOf(job.metadata), { asked: askedOf(job), message });
  }

  /** Null: what is asked for now was not refused. */
  of(job: FlowJob): string | null {
    const known = this.refusals.get(idOf(job.metadata));
    if (known === undefined) return null;
    if (known.asked === askedOf(job)) return known.message;
    this.forget(job.metadata);
    return null;
  }

  forget(key: ObjectKey): void {
    this.refusals.delete(idOf(key));
  }
}

const askedOf = ({ metadata, status }: FlowJob): string =>
  JSON.stringify([metadata.uid, status?.attempt?.epoch, status?.scaling]);
