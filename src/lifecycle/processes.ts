// Which processes of the current attempt are missing, which of them may be started now, and what is left of the attempt before it.
import type { Attempt } from '../api/status.ts';
import { ownTaskManagers, taskManagersOf } from '../api/task-managers.ts';
import { processDelay } from './back-off.ts';
import { shorten } from './conditions.ts';
import { engineOf, jobManagerRuns, live, processesOf } from './facts.ts';
import type { Action, Context, DecidedEvent, Report } from './model.ts';

export interface MissingProcesses {
  actions: Action[];
  events: DecidedEvent[];
  requeueAt?: number;
  /** How the job is while a pod cannot start or a TaskManager that ended by itself is away; null when all are there. */
  report: Report | null;
}

/**
 * A TaskManager that ended by itself is started again, after a back-off that grows with each time; the engine recovers on its own.
 * A JobManager is started only when it has no record: one that ended is a lost attempt, judged elsewhere. With `only` it is not started at all.
 */
export function missingProcesses(c: Context, attempt: Attempt, only?: 'TaskManagers'): MissingProcesses {
  const indexes = taskManagersOf(attempt, ownTaskManagers(c.status.accepted?.spec ?? c.desired));
  const taskManagers = processesOf(c, attempt, 'TaskManager');
  const skip: number[] = [];
  let requeueAt: number | undefined;
  // On a FlowCluster that is what its process is.
  const unsubmitted = attempt.session !== true && engineOf(c, attempt)?.unsubmitted === true;
  let missing = only === undefined && (unsubmitted || !jobManagerRuns(c, attempt));
  const losses: string[] = [];
  for (const index of indexes) {
    const process = taskManagers.find((p) => p.index === index);
    if (process?.state === 'Running') continue;
    if (process !== undefined) losses.push(lost(process.exit?.reason ?? `TaskManager ${index} ended.`));
    const startAt =
      process === undefined || process.exit === null ? c.now : process.exit.at + processDelay(process.restarts + 1);
    if (startAt <= c.now) missing = true;
    else {
      skip.push(index);
      requeueAt = Math.min(requeueAt ?? startAt, startAt);
    }
  }
  const actions: Action[] = [];
  const { refusal } = c.observation;
  if (missing && refusal !== null && c.now < refusal.retryAt)
    requeueAt = Math.min(requeueAt ?? refusal.retryAt, refusal.retryAt);
  else if (missing)
    actions.push({ kind: 'EnsureProcesses', epoch: attempt.epoch, skip, ...(only === undefined ? {} : { only }) });
  // The run before it was over when this one was started; an operator that died just then has not asked its processes to end.
  if (live(c).some(({ epoch }) => epoch < attempt.epoch))
    actions.push({ kind: 'StopProcesses', epoch: attempt.epoch - 1, graceful: true });
  const troubles = troublesOf(c, attempt);
  const report = reportOf(troubles, losses);
  const events = eventsOf(c, troubles, losses);
  return { actions, events, report, ...(requeueAt === undefined ? {} : { requeueAt }) };
}

/** What keeps pods of the attempt from starting, in an order that does not change. */
function troublesOf(c: Context, attempt: Attempt): string[] {
  const troubles = c.observation.processes.flatMap(({ epoch, pending }) =>
    epoch === attempt.epoch && pending !== undefined && pending.trouble !== null ? [pending.trouble] : [],
  );
  const { refusal } = c.observation;
  if (refusal !== null) troubles.push(refusal.reason);
  return troubles.sort();
}

/**
 * What keeps a pod from starting is told as it is: the job goes on by itself when the cause is gone. What was lost stands beside it. Each cause comes before
 * the other pods that wait for the same: of hundreds of them the message holds a part.
 */
function reportOf(troubles: readonly string[], losses: readonly string[]): Report | null {
  if (troubles.length + losses.length === 0) return null;
  const first = firstOfEach(troubles);
  const others = troubles.filter((trouble) => !first.includes(trouble));
  return {
    kind: 'Progressing',
    reason: troubles.length === 0 ? 'ProcessLost' : 'PodNotStarting',
    message: shorten([...first, ...losses, ...others].join('\n')),
  };
}

/** A cause or a loss is said when it is put on record, and not again while it stands there. */
function eventsOf(c: Context, troubles: readonly string[], losses: readonly string[]): DecidedEvent[] {
  const isNew = (text: string): boolean => !c.status.conditions.some(({ message }) => message.includes(text));
  const causes = firstOfEach(troubles).filter((trouble) => isNew(remedyOf(trouble)));
  return [
    ...losses.filter(isNew).map((loss) => warning('ProcessLost', loss)),
    ...causes.map((trouble) => warning('PodNotStarting', trouble)),
  ];
}

/** One trouble of each cause. */
function firstOfEach(troubles: readonly string[]): string[] {
  const causes = troubles.map(remedyOf);
  return troubles.filter((trouble, at) => causes.indexOf(remedyOf(trouble)) === at);
}

/**
 * What makes two troubles one piece of news: what is to be done about them. Their texts name pods and count nodes, or tell of one pull that failed as an
 * error first and as a wait then.
 */
export function remedyOf(trouble: string): string {
  const remedy = trouble.lastIndexOf(' -> ');
  return remedy === -1 ? trouble : trouble.slice(remedy);
}

const warning = (reason: 'PodNotStarting' | 'ProcessLost', message: string): DecidedEvent => ({
  savepoint: null,
  type: 'Warning',
  reason,
  message,
});

const lost = (reason: string): string => `${reason} It is started again; its log says more.`;

/**
 * Why a process was lost, for as long as the job has not come back from it: what happens meanwhile (a pod that comes up, tasks that start again) is news to
 * nobody, and what killed it is.
 */
export function reportOfLoss(c: Context): Report | null {
  const told = c.status.conditions.find(({ type, reason }) => type === 'Reconciling' && reason === 'ProcessLost');
  return told === undefined ? null : { kind: 'Progressing', reason: 'ProcessLost', message: told.message };
}
