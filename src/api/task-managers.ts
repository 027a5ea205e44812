// Which TaskManagers an attempt has, by their indexes.
import type { Attempt } from './status.ts';

/** Those that a rescaling has left it with; 0 to `replicas` - 1 for one that was never rescaled. */
export function taskManagersOf(attempt: Pick<Attempt, 'taskManagers'>, replicas: number): readonly number[] {
  return attempt.taskManagers ?? firstTaskManagers(replicas);
}

export const firstTaskManagers = (replicas: number): number[] => Array.from({ length: replicas }, (_, index) => index);
