// What `describe` says of a running job's checkpoints and savepoints.
import type { CheckpointAnswer, CheckpointsAnswer } from '../engine-client/answers.ts';
import { bytesText } from './byte-text.ts';
import { age } from './table.ts';

/** Of this run; `told` is text where they cannot be shown. */
export function checkpointLines(told: CheckpointsAnswer | string, now: Date): string[] {
  if (typeof told === 'string') return [`Checkpoints: ${told}`];
  const { counts, latest } = told;
  const failed = counts.failed === 0 ? '' : `, ${counts.failed} failed`;
  const { completed, savepoint, restored } = latest;
  return [
    `Checkpoints: ${counts.completed} completed${failed}`,
    ...(completed === null ? [] : [`  Newest: ${checkpointText(completed, now)}`]),
    ...(savepoint === null
      ? []
      : [`  Newest Savepoint: ${checkpointText(savepoint, now)}`, `    ${savepoint.external_path ?? ''}`.trimEnd()]),
    ...(restored === null ? [] : [`  Restored From: ${restored.external_path}`]),
  ];
}

function checkpointText(one: CheckpointAnswer, now: Date): string {
  const { id, latest_ack_timestamp: at, state_size: size, end_to_end_duration: duration } = one;
  return `number ${id}, ${age(new Date(at), now)} ago, ${bytesText(size)}, took ${duration} ms`;
}
