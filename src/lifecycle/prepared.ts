// Start before stop: JobManager and TaskManagers of the next version are up before the running one is stopped, so that an upgrade does not wait for them. What is
// prepared stands in status before its first process is made, and does nothing by itself: it has no job until it becomes the attempt. Where it cannot be had, the
// running version is stopped first.
import type { Attempt, FlowJobStatus, JobState, Prepared } from '../api/status.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import { specHash } from './change.ts';
import { shorten } from './conditions.ts';
import { isDeleting, timestamp } from './facts.ts';
import { idOf } from './ids.ts';
import type { Action, Change, Context, DecidedEvent, StatusPatch } from './model.ts';
import type { ProcessView } from './observation.ts';

/** Milliseconds that its processes may take to come up, on a machine that is busy. */
export const PREPARE_LIMIT = 180_000;
/** For how long something may keep a pod of it from starting: what it lacks may be had by stopping the running version. */
export const TROUBLE_LIMIT = 15_000;

/** States in which it is kept: what runs is the version before. */
const KEPT_IN: readonly (JobState | undefined)[] = ['Running', 'Upgrading'];

/** What is prepared, as long as it is what the spec asks for. */
export function wantedPrepared(c: Omit<Context, 'prepared'>): Context['prepared'] {
  const { prepared, state } = c.status;
  if (prepared?.spec === undefined || c.change.kind !== 'Restart' || c.desired.suspend) return undefined;
  if (!KEPT_IN.includes(state) || isDeleting(c as Context) || !isAllowed(c)) return undefined;
  return sameProcesses(prepared.spec, c.desired) ? { ...prepared, spec: prepared.spec } : undefined;
}

const sameProcesses = (a: ResolvedFlowJobSpec, b: ResolvedFlowJobSpec): boolean =>
  specHash(a) === specHash(b) &&
  a.job.parallelism === b.job.parallelism &&
  a.taskManager.replicas === b.taskManager.replicas;

/** The engine has said of this very version that it cannot run it. */
export function invalidByEngine({ prepared }: FlowJobStatus, desired: ResolvedFlowJobSpec): Change | null {
  if (prepared?.invalid === undefined || prepared.specHash !== specHash(desired)) return null;
  return {
    kind: 'Invalid',
    reason: 'InvalidSpec',
    message: shorten(
      `The new version cannot run, so the accepted one goes on. Apache Flink says: ${prepared.invalid}\nCorrect the spec, or change spec.restartNonce to try the same version again.`,
    ),
  };
}

function isAllowed({ desired, status, observation }: Pick<Context, 'desired' | 'status' | 'observation'>): boolean {
  const { accepted, attempt } = status;
  return (
    observation.startsAhead === true &&
    desired.upgrade.startBeforeStop !== false &&
    desired.mode !== 'Batch' &&
    accepted?.spec.mode === desired.mode &&
    // On a FlowCluster the JobManager is up anyway.
    accepted.spec.engine.clusterRef === undefined &&
    accepted.spec.engine.type === desired.engine.type &&
    attempt?.healthy === true
  );
}

/** What one look at the next version comes to. `Go`: the running one may be stopped. `Stay`: it goes on, while the next one comes up or because it cannot run. */
export type Preparation = {
  kind: 'Go' | 'Stay';
  patch: StatusPatch;
  actions: Action[];
  events: DecidedEvent[];
  requeueAt?: number;
};

const outcome = (kind: Preparation['kind'], parts: Partial<Preparation> = {}): Preparation => ({
  patch: {},
  actions: [],
  events: [],
  ...parts,
  kind,
});

/** To be asked when nothing else keeps the running version from being stopped. */
export function prepare(c: Context): Preparation {
  if (!isAllowed(c) || failureOf(c) !== undefined) return outcome('Go');
  const { prepared } = c;
  if (prepared === undefined) return begin(c);
  const broken = whyNever(c, prepared);
  if (broken !== null) return giveUp(prepared, broken);
  const { plan, slots } = c.observation.prepared ?? { plan: 'Unknown', slots: null };
  if (typeof plan === 'object') return invalid(prepared, plan.invalid);
  const hasSlots = slots !== null && slots >= prepared.spec.job.parallelism;
  if (hasSlots && plan === 'Good') return outcome('Go');
  const late = whyLate(c, prepared, hasSlots);
  if (late !== null) return giveUp(prepared, late);
  return outcome('Stay', { actions: missing(c, prepared), requeueAt: Date.parse(prepared.since) + PREPARE_LIMIT });
}

function begin(c: Context): Preparation {
  const epoch = nextEpoch(c);
  const prepared: Prepared = {
    epoch,
    jobId: idOf(c.job.metadata.uid, 'run', epoch),
    specHash: specHash(c.desired),
    since: timestamp(c.now),
    spec: c.desired,
  };
  return outcome('Stay', { patch: { prepared }, actions: [{ kind: 'EnsureProcesses', epoch, skip: [] }] });
}

const processesOf = (c: Context, { epoch }: Pick<Prepared, 'epoch'>): readonly ProcessView[] =>
  c.observation.processes.filter((process) => process.epoch === epoch);

function missing(c: Context, { epoch, spec }: NonNullable<Context['prepared']>): Action[] {
  const there = processesOf(c, { epoch }).length;
  return there > spec.taskManager.replicas ? [] : [{ kind: 'EnsureProcesses', epoch, skip: [] }];
}

/** Why it will not come up; null when it may. */
function whyNever(c: Context, prepared: Prepared): string | null {
  const refusal = c.observation.prepared?.refusal ?? null;
  if (refusal !== null) return refusal;
  const ended = processesOf(c, prepared).find(({ state }) => state === 'Exited');
  return ended === undefined ? null : (ended.exit?.reason ?? 'a process of it ended');
}

/** Why it has taken too long; null when it may take longer. */
function whyLate(c: Context, prepared: Prepared, hasSlots: boolean): string | null {
  const { troubledSince = null, unanswered } = c.observation.prepared ?? {};
  const trouble = processesOf(c, prepared)
    .flatMap(({ pending }) => pending?.trouble ?? [])
    .sort()[0];
  if (trouble !== undefined && troubledSince !== null && c.now - troubledSince >= TROUBLE_LIMIT) return trouble;
  if (c.now - Date.parse(prepared.since) < PREPARE_LIMIT) return null;
  const why = unanswered === undefined ? '' : `: ${unanswered}`;
  return `${hasSlots ? 'the SQL was not planned' : 'they were not up'} within ${PREPARE_LIMIT / 1000} s${why}`;
}

function giveUp({ spec: _, ...prepared }: Prepared, why: string): Preparation {
  const failure = shorten(why);
  return outcome('Go', {
    patch: { prepared: { ...prepared, failure } },
    events: [{ savepoint: null, type: 'Warning', reason: 'Upgrading', message: shorten(inPlainOrder(failure)) }],
  });
}

function invalid({ spec: _, ...prepared }: Prepared, why: string): Preparation {
  const message = shorten(`The new version cannot run, so the accepted one goes on. Apache Flink says: ${why}`);
  return outcome('Stay', {
    patch: { prepared: { ...prepared, invalid: shorten(why) } },
    events: [{ savepoint: null, type: 'Warning', reason: 'InvalidSpec', message }],
  });
}

/** Why the processes of the version that is asked for could not be had beside the running one; undefined when that is not so. */
export const failureOf = ({ status: { prepared }, desired }: Context): string | undefined =>
  prepared?.specHash === specHash(desired) ? prepared.failure : undefined;

export const inPlainOrder = (failure: string): string =>
  `The running version is stopped first, as processes of the new one could not be started beside it: ${failure}`;

/** An epoch that nobody has had: above all that stand in status, run, or are on record. */
export function nextEpoch(c: Pick<Context, 'status' | 'observation'>): number {
  const { attempt, prepared } = c.status;
  const seen = c.observation.processes.map(({ epoch }) => epoch);
  return Math.max(attempt?.epoch ?? 0, prepared?.epoch ?? 0, c.observation.storage.epoch, ...seen) + 1;
}

/** As its processes are made. */
export const preparedAttempt = ({ epoch, jobId, specHash: hash, since }: Prepared): Attempt => ({
  ...{ epoch, jobId, specHash: hash, session: true, startedAt: since, runStartedAt: since, healthy: false },
});

/** What a new run may become: its JobManager is up. */
export function readyAttempt(c: Context): Context['prepared'] {
  const { prepared } = c;
  if (prepared === undefined) return undefined;
  const jobManager = processesOf(c, prepared).find(({ role }) => role === 'JobManager');
  return jobManager?.state === 'Running' && jobManager.pending === undefined ? prepared : undefined;
}

/**
 * What stands in status of it after a pass: one that is not wanted any more keeps its number until a higher one is given. `patch`: what the state decided.
 */
export function keptPrepared(c: Context, state: JobState, patch: StatusPatch): Prepared | undefined {
  const prepared = 'prepared' in patch ? patch.prepared : c.status.prepared;
  const attempt = 'attempt' in patch ? patch.attempt : c.status.attempt;
  if (prepared === undefined || (attempt !== undefined && attempt.epoch >= prepared.epoch)) return undefined;
  const { epoch, jobId, specHash: hash, since } = prepared;
  const isWanted = 'prepared' in patch || c.prepared !== undefined;
  // What was said of a version holds as long as it is asked for.
  if (c.change.kind === 'None') return { epoch, jobId, specHash: hash, since };
  if (prepared.spec === undefined || (isWanted && KEPT_IN.includes(state))) return prepared;
  const { spec: _, ...rest } = prepared;
  return rest;
}

/** Processes of attempts that are not wanted any more, and never had a job. */
export function dropped(c: Context, { attempt, prepared }: FlowJobStatus): Action[] {
  if (attempt === undefined) return [];
  const kept = prepared?.spec === undefined ? undefined : prepared.epoch;
  const epochs = c.observation.processes
    .filter(({ state, epoch }) => state === 'Running' && epoch > attempt.epoch && epoch !== kept)
    .map(({ epoch }) => epoch);
  return [...new Set(epochs)].sort((a, b) => a - b).map((epoch) => ({ kind: 'DropPrepared', epoch }));
}
