// What the status of a FlowJob tells, as tests in processes ask for it.
import type { FlowJob } from '../../src/api/flowjob.ts';

/** Whether the version of that generation runs and has proven itself. */
export const runs =
  (generation: number) =>
  ({ status }: FlowJob): boolean =>
    status?.state === 'Running' && status.accepted?.generation === generation && status.attempt?.healthy === true;

/** Of the condition of that type. */
export const messageOf = ({ status }: FlowJob, type: string): string | undefined =>
  status?.conditions.find((condition) => condition.type === type)?.message;
