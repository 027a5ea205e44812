// Running: the version that was accepted runs and has proven itself. A chain of checks; the first that applies decides.
import { SILENCE_LIMIT } from '../back-off.ts';
import { whySized } from '../autoscaled.ts';
import { shorten } from '../conditions.ts';
import { endingOf, deadlineOf } from '../endings.ts';
import { attemptOf, engineOf, isSilent, isStreaming, savepointInFlight } from '../facts.ts';
import { withoutEffect } from '../first-start.ts';
import type { Context, Outcome, Report, StateHandler } from '../model.ts';
import { scheduleError } from '../../api/cron.ts';
import { windowTrouble } from '../../api/windows.ts';
import { clusterReport } from '../on-cluster.ts';
import { prepare, type Preparation } from '../prepared.ts';
import { missingProcesses, reportOfLoss } from '../processes.ts';
import { notRescaled, reportOfRescale, rescaleStep, surplusTaskManagers } from '../rescale.ts';
import { scheduleOf, soonest } from '../savepoint-schedule.ts';
import { eventsOfImages, reportOfImages, waitsForImages } from '../version-to-come.ts';
import { suspending, upgradingOf } from './starting.ts';

export const running: StateHandler<'Running'> = (c) => {
  const attempt = attemptOf(c);
  const ending = endingOf(c, attempt);
  if (ending !== null) return ending;
  const wanted = leave(c);
  if (wanted?.state !== 'Upgrading') return wanted ?? stay(c);
  const { kind, ...prepared } = prepare(c);
  if (kind === 'Stay') return beside(stay(c), prepared);
  return {
    ...wanted,
    patch: prepared.patch,
    actions: prepared.actions,
    events: [...prepared.events, ...(wanted.events ?? [])],
  };
};

const preparing: Report = {
  kind: 'Progressing',
  reason: 'Upgrading',
  message:
    'JobManager and TaskManagers of the new version are being started; the running version goes on until they are up.',
};

/** The running version goes on while the next one comes up: what is wrong with it, or with the spec, comes first. */
function beside(
  stays: Outcome<'Running'>,
  { patch, actions, events, requeueAt }: Omit<Preparation, 'kind'>,
): Outcome<'Running'> {
  return {
    ...stays,
    report: stays.report.kind === 'Ready' ? preparing : stays.report,
    patch: { ...stays.patch, ...patch },
    actions: [...(stays.actions ?? []), ...actions],
    events: [...(stays.events ?? []), ...events],
    ...(requeueAt === undefined ? {} : { requeueAt: Math.min(requeueAt, stays.requeueAt ?? Infinity) }),
  };
}

const HOW = {
  Savepoint: 'with a savepoint',
  LastState: 'from its newest checkpoint',
  Stateless: 'without state',
} as const;

function leave(c: Context): Outcome<'Running'> | null {
  const wanted = c.desired.suspend
    ? ({ state: 'Suspending', report: suspending } as const)
    : c.change.kind === 'Restart'
      ? ({ state: 'Upgrading', report: upgradingOf(c) } as const)
      : null;
  if (wanted === null || savepointInFlight(c) || waitsForImages(c)) return null;
  if (wanted.state === 'Suspending') return wanted;
  return {
    ...wanted,
    events: [{ savepoint: null, type: 'Normal', reason: 'Upgrading', message: shorten(replacement(c)) }],
  };
}

function replacement(c: Context): string {
  const { paths, why } = c.change.kind === 'Restart' ? c.change : { paths: [] };
  const { stateAtRisk } = c.observation;
  const risk = stateAtRisk === undefined ? '' : ` ${stateAtRisk}`;
  const fields = paths.length === 0 ? 'The size' : paths.join(', ');
  const what = (why === undefined ? undefined : whySized(c)) ?? `${fields} changed`;
  const how = isStreaming(c) ? HOW[c.desired.upgrade.strategy] : 'by a new run';
  return `${what}: the running version is replaced ${how}${why === undefined ? '' : `, not rescaled in place: ${why}`}.${risk}`;
}

function stay(c: Context): Outcome<'Running'> {
  const attempt = attemptOf(c);
  const missing = missingProcesses(c, attempt);
  const rescale = rescaleStep(c, attempt);
  const requeueAt = soonest(missing.requeueAt ?? null, rescale?.requeueAt ?? null);
  return {
    state: 'Running',
    report: reportOf(c, missing.report),
    ...(rescale === null ? {} : { patch: rescale.patch }),
    actions: [
      ...missing.actions,
      ...surplusTaskManagers(c, rescale?.patch.attempt ?? attempt),
      ...(rescale?.actions ?? []),
    ],
    events: [...missing.events, ...(rescale?.events ?? []), ...eventsOfImages(c)],
    ...(requeueAt === null ? deadlineOf(c) : { requeueAt }),
  };
}

const silent: Report = {
  kind: 'Progressing',
  reason: 'JobManagerSilent',
  message: `The JobManager does not answer; when it has been silent for ${SILENCE_LIMIT / 1000} s it is ended, and the job goes on from its newest checkpoint.`,
};

/** What is told before anything else; null when there is nothing. */
function firstOfAll(c: Context): Report | null {
  if (c.change.kind === 'Refused') return { kind: 'Stalled', reason: 'ChangeRefused', message: c.change.message };
  if (c.change.kind === 'Invalid') return { kind: 'Stalled', reason: c.change.reason, message: c.change.message };
  const at = scheduleOf(c);
  const invalid = at === null ? null : scheduleError(at);
  if (invalid !== null) return { kind: 'Stalled', reason: 'InvalidSchedule', message: `${invalid} The job runs on.` };
  const window = windowTrouble(c.desired.autoscaling);
  if (window !== null)
    return {
      kind: 'Stalled',
      reason: 'InvalidSchedule',
      message: shorten(`${window} It is passed over: the job runs on.`),
    };
  return isSilent(c) ? silent : null;
}

function reportOf(c: Context, processLost: Report | null): Report {
  const first = firstOfAll(c);
  if (first !== null)
    return processLost === null ? first : { ...first, message: shorten(`${first.message}\n${processLost.message}`) };
  const engine = engineOf(c, attemptOf(c));
  const rescale = reportOfRescale(c, engine, processLost);
  if (rescale !== null) return rescale;
  if (processLost !== null) return processLost;
  // A JobManager that does not answer for a moment is no news; the last report stands until it is taken for lost.
  if (engine?.waiting !== undefined) return clusterReport(engine.waiting);
  if (engine !== null && engine.status !== 'RUNNING')
    return (
      reportOfLoss(c) ?? {
        kind: 'Progressing',
        reason: 'Recovering',
        message: shorten(engine.rootCause ?? 'The engine is restarting the tasks of the job.'),
      }
    );
  const waits = reportOfImages(c);
  if (waits !== null) return waits;
  if (engine === null && !wasToldToRun(c))
    return (
      reportOfLoss(c) ?? {
        kind: 'Progressing',
        reason: 'Recovering',
        message: 'The engine is restarting the tasks of the job.',
      }
    );
  return { kind: 'Ready', reason: 'Running', message: shorten(`The job runs.${notRescaled(c)}${withoutEffect(c)}`) };
}

const wasToldToRun = ({ status }: Context): boolean =>
  status.conditions.some((x) => x.type === 'Ready' && (x.status === 'True' || x.reason === 'RolledBack'));
