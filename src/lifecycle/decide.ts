// The middle of the operator: given the object, its savepoints and what was seen of the world, what status to write and what to do.
// Pure: the same input gives the same decision, so a decision that a crash cut short is simply made again.
import { JOB_LABEL, PAUSE_ANNOTATION, ROLE_LABEL, TASK_MANAGER } from '../api/group.ts';
import { STOPPED_STATES, type Attempt, type FlowJobStatus, type JobState } from '../api/status.ts';
import { autoscalingEvents, nextAutoscaling, scaleConflict } from './autoscaled.ts';
import { conditionsFor, pausedConditions, shorten } from './conditions.ts';
import { contextOf } from './context.ts';
import { isDeleting, live, timestamp } from './facts.ts';
import type { Context, DecideInput, Decision, Outcome, StatusPatch } from './model.ts';
import { dropped, keptPrepared } from './prepared.ts';
import { tellRolledBack } from './roll-back.ts';
import { decideSchedule, soonest } from './savepoint-schedule.ts';
import { decideSavepoint, type SavepointOutcome } from './savepoints.ts';
import { deleting } from './states/deleting.ts';
import { failed } from './states/failed.ts';
import { finished } from './states/finished.ts';
import { pending } from './states/pending.ts';
import { recovering } from './states/recovering.ts';
import { rollingBack } from './states/rolling-back.ts';
import { running } from './states/running.ts';
import { starting } from './states/starting.ts';
import { suspended } from './states/suspended.ts';
import { suspending } from './states/suspending.ts';
import { upgrading } from './states/upgrading.ts';
import { tellUnreadable } from './unreadable-state.ts';
import { lacksImages } from './version-to-come.ts';

export function decide(input: DecideInput): Decision {
  const context = contextOf(input);
  if (input.job.metadata.annotations?.[PAUSE_ANNOTATION] === 'true') return paused(context);
  const outcome = tellOfLeft(context, run(context));
  const savepoints = decideSavepoints(context, outcome.state);
  const newest = savepoints.flatMap((s) => s.completed ?? []).at(-1);
  const schedule = decideSchedule(context, outcome.state);
  const extra: StatusPatch = { savepointSchedule: schedule.status };
  if (newest !== undefined) extra.lastSavepoint = newest;
  const autoscaling = nextAutoscaling(context);
  extra.autoscaling = autoscaling;
  // A record of one that is being given up is needed until it is gone, whatever is asked for meanwhile.
  extra.rolledBack = outcome.state === 'RollingBack' ? context.status.rolledBack : context.rolledBack;
  extra.prepared = keptPrepared(context, outcome.state, outcome.patch ?? {});
  const status = nextStatus(context, tellRolledBack(context, outcome), extra);
  return {
    status,
    savepoints: savepoints.map((s) => s.decision),
    // Disposal looks at the status that is being written; it comes last.
    actions: [
      ...dropped(context, status),
      ...(outcome.actions ?? []),
      ...savepoints.flatMap((s) => s.actions),
      ...schedule.actions,
    ],
    events: [
      ...(outcome.events ?? []),
      ...autoscalingEvents(context.status.autoscaling, autoscaling),
      ...savepoints.flatMap((s) => s.events),
    ],
    finalizer: outcome.finalizer ?? 'keep',
    requeueAt: soonest(outcome.requeueAt ?? null, schedule.requeueAt),
    inMotion:
      (outcome.report.kind === 'Progressing' && !waitsForOthers(context, outcome)) ||
      savepoints.some((s) => s.decision.status.state === 'InProgress'),
  };
}

/** It goes on when somebody tells of a change, or in a while: to look again and again would change nothing. */
const waitsForOthers = (c: Context, { state, report }: Outcome<JobState>): boolean =>
  report.reason === 'WaitingForCluster' || (state === 'Running' && lacksImages(c));

/** The handler of the state; a deletion takes over from any of them. */
function run(c: Context): Outcome<JobState> {
  if (isDeleting(c)) return deleting(c);
  const state: JobState = c.status.state ?? 'Pending';
  switch (state) {
    case 'Pending':
      return pending(c);
    case 'Starting':
      return tellUnreadable(c, starting(c));
    case 'Running':
      return tellUnreadable(c, running(c));
    case 'Upgrading':
      return upgrading(c);
    case 'Suspending':
      return suspending(c);
    case 'Suspended':
      return suspended(c);
    case 'RollingBack':
      return rollingBack(c);
    case 'Recovering':
      return recovering(c);
    case 'Finished':
      return finished(c);
    case 'Failed':
      return failed(c);
    case 'Deleting':
      return deleting(c);
  }
}

/** What has not ended, or is on a node that does not answer, holds up what comes next, whichever state waits for it. */
function tellOfLeft(c: Context, outcome: Outcome<JobState>): Outcome<JobState> {
  const left = c.observation.processes.flatMap((process) => process.left ?? process.node ?? []).sort();
  if (left.length === 0 || outcome.report.kind !== 'Progressing') return outcome;
  const { report } = outcome;
  return { ...outcome, report: { ...report, message: shorten([report.message, ...left].join('\n')) } };
}

/** In order of creation; one at a time, and none while the job is about to leave Running: a version without an image does not make it leave. */
function decideSavepoints(c: Context, next: JobState): SavepointOutcome[] {
  const ordered = [...c.savepoints].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  const wantsToStop = c.desired.suspend || (c.change.kind === 'Restart' && !lacksImages(c));
  let free = next === 'Running' && !wantsToStop && !ordered.some((s) => s.status?.state === 'InProgress');
  return ordered.map((savepoint) => {
    const outcome = decideSavepoint(c, savepoint, free);
    if (outcome.decision.status.state === 'InProgress') free = false;
    return outcome;
  });
}

const orderOf = (savepoint: { metadata: { creationTimestamp: string; name: string } }): string =>
  `${savepoint.metadata.creationTimestamp} ${savepoint.metadata.name}`;

function nextStatus(c: Context, outcome: Outcome<JobState>, extra: StatusPatch): FlowJobStatus {
  const patch = { ...extra, ...outcome.patch, prepared: extra.prepared };
  const stamp = { generation: c.job.metadata.generation, now: timestamp(c.now) };
  const merged: Record<string, unknown> = {
    ...c.status,
    ...patch,
    observedGeneration: c.job.metadata.generation,
    state: outcome.state,
    conditions: [
      ...conditionsFor(c.status.conditions, outcome.report, stamp),
      ...scaleConflict(c, extra.autoscaling, stamp),
    ],
  };
  merged['taskManager'] = {
    replicas: liveTaskManagers(c, merged['attempt'] as Attempt | undefined),
    // Of them alone: a HorizontalPodAutoscaler takes the mean over all pods that it finds by this.
    selector: `${JOB_LABEL}=${c.job.metadata.name},${ROLE_LABEL}=${TASK_MANAGER}`,
  };
  // A run that is over is not rescaled.
  if (STOPPED_STATES.some((state) => state === outcome.state)) delete merged['scaling'];
  for (const [key, value] of Object.entries(merged)) if (value === undefined) delete merged[key];
  return merged as unknown as FlowJobStatus;
}

/** What runs, of the newest attempt of which any does: a scaler would reckon wrongly with what is only asked for. */
function liveTaskManagers(c: Context, attempt: Attempt | undefined): number {
  const taskManagers = live(c).filter(
    // Those of an attempt that was prepared in vain are ending.
    ({ role, epoch }) => role === 'TaskManager' && epoch <= (attempt?.epoch ?? Infinity),
  );
  const newest = Math.max(...taskManagers.map(({ epoch }) => epoch));
  return taskManagers.filter(({ epoch }) => epoch === newest).length;
}

/** Nothing is touched and nothing is written but the condition that says so. */
function paused(c: Context): Decision {
  const stamp = { generation: c.job.metadata.generation, now: timestamp(c.now) };
  return {
    status: { ...c.status, conditions: pausedConditions(c.status.conditions, stamp) },
    savepoints: [],
    actions: [],
    events: [],
    finalizer: 'keep',
    requeueAt: null,
    inMotion: false,
  };
}
