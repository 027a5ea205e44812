// The error of a task whose input cannot be read any more.
import { EngineError } from '../errors.ts';

/** `execution` has to run again, because its output was a file; null when the channel was a pipelined one. */
export class ProducerLost extends EngineError {
  readonly execution: string | null;

  constructor(message: string, execution: string | null, cause?: unknown) {
    super(execution === null ? 'CHANNEL_LOST' : 'PARTITION_LOST', message, { cause });
    this.execution = execution;
  }
}
