// A task's failure as it travels to the coordinator.
import { describeError, EngineError } from '../errors.ts';
import { redact } from '../secret-references.ts';
import type { TaskError } from '../rpc/protocol.ts';
import { ProducerLost } from '../shuffle/producer-lost.ts';

export function taskError(error: unknown): TaskError {
  return {
    code: error instanceof EngineError ? error.code : 'TASK_FAILED',
    message: describeError(error),
    stack: redact(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    lostProducer: error instanceof ProducerLost ? error.execution : null,
  };
}
