// How large a job is: by its status, and from outside.
import type { FlowJob } from '../../src/api/flowjob.ts';
import { engineProcesses } from './cli.ts';

/** It runs in so many TaskManagers of one subtask of each vertex, and is not on its way to another size. */
export const has =
  (taskManagers: number) =>
  ({ status }: FlowJob): boolean =>
    status?.state === 'Running' &&
    status.parallelism === taskManagers &&
    status.taskManager?.replicas === taskManagers &&
    status.scaling === undefined;

/** TaskManagers of a job on this machine, by their command lines. `home`: the operator's folder. */
export const taskManagers = (home: string, name: string): number =>
  engineProcesses(home).filter(({ role, args }) => role === 'taskmanager' && args.some((arg) => arg.includes(name)))
    .length;
