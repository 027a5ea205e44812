// Which processes of the current attempt are missing, which of them may be started now, and what is left of the attempt before it.
import type { Attempt } from '../api/status.ts';
import { processDelay } from './back-off.ts';
import { shorten } from './endings.ts';
import { jobManagerRuns, live, processesOf } from './facts.ts';
import type { Action, Context, Report } from './model.ts';

export interface MissingProcesses {
  actions: Action[];
  requeueAt?: number;
  /** How the job is while a pod cannot start or a TaskManager that ended by itself is away; null when all are there. */
  report: Report | null;
}

/**
 * A TaskManager that ended by itself is started again, after a back-off that grows with each time; the engine recovers on its own.
 * A JobManager is started only when it has no record: one that ended is a lost attempt, judged elsewhere.
 */
export function missingProcesses(c: Context, attempt: Attempt): MissingProcesses {
  const replicas = c.status.accepted?.spec.taskManager.replicas ?? 1;
  const taskManagers = processesOf(c, attempt, 'TaskManager');
  const skip: number[] = [];
  let requeueAt: number | undefined;
  let missing = !jobManagerRuns(c, attempt);
  let report: Report | null = keptFromStarting(c, attempt);
  for (let index = 0; index < replicas; index++) {
    const process = taskManagers.find((p) => p.index === index);
    if (process?.state === 'Running') continue;
    if (process !== undefined) report ??= lost(process.exit?.reason ?? `TaskManager ${index} ended.`);
    const startAt =
      process === undefined || process.exit === null ? c.now : process.exit.at + processDelay(process.restarts + 1);
    if (startAt <= c.now) missing = true;
    else {
      skip.push(index);
      requeueAt = Math.min(requeueAt ?? startAt, startAt);
    }
  }
  const actions: Action[] = missing ? [{ kind: 'EnsureProcesses', epoch: attempt.epoch, skip }] : [];
  // The run before it was over when this one was started; an operator that died just then has not asked its processes to end.
  if (live(c).some(({ epoch }) => epoch < attempt.epoch))
    actions.push({ kind: 'StopProcesses', epoch: attempt.epoch - 1, graceful: true });
  return { actions, report, ...(requeueAt === undefined ? {} : { requeueAt }) };
}

/** What keeps a pod from starting is told as it is: the job goes on by itself when the cause is gone. */
function keptFromStarting(c: Context, attempt: Attempt): Report | null {
  const troubles = c.observation.processes.flatMap(({ epoch, pending }) =>
    epoch === attempt.epoch && pending !== undefined && pending.trouble !== null ? [pending.trouble] : [],
  );
  return troubles.length === 0
    ? null
    : { kind: 'Progressing', reason: 'PodNotStarting', message: shorten(troubles.sort().join('\n')) };
}

const lost = (reason: string): Report => ({
  kind: 'Progressing',
  reason: 'ProcessLost',
  message: `${reason} It is started again; its log says more.`,
});
