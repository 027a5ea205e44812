// Savepoints, checkpoints and disposals that somebody asked for, by trigger id: the repeated call is the same call.
import type { OperationStatus } from '../../rest/gateway.ts';

export type OperationKind = 'SAVEPOINT' | 'CHECKPOINT' | 'DISPOSAL';

/** So many that have ended are remembered, the newest: enough for whoever asks once more, bounded for a job that runs for months. */
const ENDED_KEPT = 256;

interface Operation {
  kind: OperationKind;
  status: OperationStatus;
}

export class Operations {
  private readonly operations = new Map<string, Operation>();
  /** Those that have ended, oldest first. */
  private readonly ended: string[] = [];

  /** False when the id is known. */
  begin(triggerId: string, kind: OperationKind): boolean {
    if (this.operations.has(triggerId)) return false;
    this.operations.set(triggerId, { kind, status: { state: 'IN_PROGRESS' } });
    return true;
  }

  complete(triggerId: string, location: string): void {
    this.settle(triggerId, { state: 'COMPLETED', location });
  }

  /** `failureClass` is Flink's exception for it. */
  fail(triggerId: string, message: string, failureClass = CHECKPOINT_EXCEPTION): void {
    this.settle(triggerId, { state: 'FAILED', failureClass, message });
  }

  failAll(message: string): void {
    for (const [triggerId, { status }] of this.operations)
      if (status.state === 'IN_PROGRESS') this.fail(triggerId, message);
  }

  status(triggerId: string, kind: OperationKind): OperationStatus | null {
    const operation = this.operations.get(triggerId);
    return operation === undefined || operation.kind !== kind ? null : operation.status;
  }

  private settle(triggerId: string, status: OperationStatus): void {
    const operation = this.operations.get(triggerId);
    if (operation?.status.state !== 'IN_PROGRESS') return;
    operation.status = status;
    this.ended.push(triggerId);
    if (this.ended.length > ENDED_KEPT) this.operations.delete(this.ended.shift()!);
  }
}

export const CHECKPOINT_EXCEPTION = 'org.apache.flink.runtime.checkpoint.CheckpointException';
