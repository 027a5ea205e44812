// A job on a FlowCluster: the JobManager is there before it, and is written to status before the job is submitted to it.
import type { Attempt } from '../api/status.ts';
import { shorten } from './conditions.ts';
import type { EngineView } from './observation.ts';
import type { Context, DecidedEvent, Outcome, Report } from './model.ts';

/** Milliseconds until what a job waits for on its cluster is looked at again although nobody has told of a change. */
const LOOK_AGAIN = 1_000;

/** The version that runs, or ran last, is on one: its JobManager is there before it, and outlives it. */
export const isOnCluster = ({ status }: Context): boolean => status.accepted?.spec.engine.clusterRef !== undefined;

/** Of an attempt that begins: the JobManager that it is submitted to, where there is one already. */
export function onCluster(c: Context): Pick<Attempt, 'jobManagerUid'> {
  const uid = c.desired.engine.clusterRef === undefined ? null : (c.observation.cluster?.jobManager ?? null);
  return uid === null ? {} : { jobManagerUid: uid };
}

/** Of an attempt that has no JobManager yet; null when it has one, or processes of its own. */
export function findJobManager(c: Context, attempt: Attempt): Outcome<'Starting'> | null {
  if (!isOnCluster(c) || attempt.jobManagerUid !== undefined) return null;
  const found = onCluster(c);
  if (found.jobManagerUid === undefined) return { state: 'Starting', ...waits(c) };
  return {
    state: 'Starting',
    report: submitting,
    patch: { attempt: { ...attempt, ...found } },
    actions: [{ kind: 'EnsureProcesses', epoch: attempt.epoch, skip: [] }],
  };
}

export const submitting: Report = {
  kind: 'Progressing',
  reason: 'Starting',
  message: 'The job is being submitted to its FlowCluster.',
};

/** When to look again at a job whose tasks wait; Infinity: they do not. */
export const looksAgainAt = (c: Context, engine: EngineView | null): number =>
  engine?.waiting === undefined ? Infinity : c.now + LOOK_AGAIN;

/** Why pods of the desired version's cluster do not reach the claim with the state that the job goes on from; null when they do. */
export function claimOutOfReach(c: Context): string | null {
  const { clusterRef } = c.desired.engine;
  const before = c.observation.claimName;
  const mounted = c.desired.state.storage?.persistentVolumeClaim?.claimName ?? null;
  if (clusterRef === undefined || c.status.accepted === undefined || before === null || before === mounted) return null;
  return `its state is on PersistentVolumeClaim "${before}", and pods of FlowCluster "${clusterRef.name}" do not mount that. Have it run on a FlowCluster with spec.state.storage.persistentVolumeClaim.claimName: ${before}, or set spec.engine back. To start without state, so that the input is read and the output written once more, set upgrade.strategy to Stateless and another restartNonce.`;
}

interface Waits {
  report: Report;
  events: DecidedEvent[];
  requeueAt: number;
}

/** Nothing is started of a job whose cluster has never been there, as nobody can say where its state is, or takes no more jobs. Null otherwise. */
export function waitForCluster(c: Context): Waits | null {
  if (c.desired.engine.clusterRef === undefined) return null;
  return c.desired.state.storage === undefined || c.observation.cluster?.closed === true ? waits(c) : null;
}

function waits(c: Context): Waits {
  const report = clusterReport(c.observation.cluster?.trouble ?? 'The FlowCluster has no JobManager yet.');
  const told = c.status.conditions.some(
    ({ reason, message }) => reason === report.reason && message === report.message,
  );
  const { reason, message } = report;
  const events: DecidedEvent[] = told ? [] : [{ savepoint: null, type: 'Warning', reason, message }];
  // The cluster tells of its changes; this is for one that nobody has heard.
  return { report, events, requeueAt: c.now + 10 * LOOK_AGAIN };
}

export const clusterReport = (trouble: string) =>
  ({ kind: 'Progressing', reason: 'WaitingForCluster', message: shorten(trouble) }) as const satisfies Report;
