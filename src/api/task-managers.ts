// Which TaskManagers an attempt has, by their indexes.
import type { FlowJobSpec } from './flowjob.ts';
import type { Attempt } from './status.ts';

/** Those that a rescaling has left it with; 0 to `replicas` - 1 for one that was never rescaled. */
export function taskManagersOf(attempt: Pick<Attempt, 'taskManagers'>, replicas: number): readonly number[] {
  return attempt.taskManagers ?? firstTaskManagers(replicas);
}

/** How many pods of its own the spec asks for: none on a FlowCluster. */
export const ownTaskManagers = ({ engine, taskManager }: Pick<FlowJobSpec, 'engine' | 'taskManager'>): number =>
  engine.clusterRef === undefined ? taskManager.replicas : 0;

export const firstTaskManagers = (replicas: number): number[] => Array.from({ length: replicas }, (_, index) => index);
