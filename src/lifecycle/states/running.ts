// Running: the version that was accepted runs and has proven itself. A chain of checks; the first that applies decides.
import { SILENCE_LIMIT } from '../back-off.ts';
import { endingOf, deadlineOf, shorten } from '../endings.ts';
import { attemptOf, engineOf, isSilent, isStreaming, savepointInFlight } from '../facts.ts';
import { withoutEffect } from '../first-start.ts';
import type { Context, Outcome, Report, StateHandler } from '../model.ts';
import { scheduleError } from '../../api/cron.ts';
import { missingProcesses, reportOfLoss } from '../processes.ts';
import { scheduleOf } from '../savepoint-schedule.ts';
import { suspending, upgrading } from './starting.ts';

export const running: StateHandler<'Running'> = (c) => {
  const attempt = attemptOf(c);
  const ending = endingOf(c, attempt);
  if (ending !== null) return ending;
  return leave(c) ?? stay(c);
};

const HOW = {
  Savepoint: 'with a savepoint',
  LastState: 'from its newest checkpoint',
  Stateless: 'without state',
} as const;

function leave(c: Context): Outcome<'Running'> | null {
  const wanted = c.desired.suspend
    ? ({ state: 'Suspending', report: suspending } as const)
    : c.change.kind === 'Restart'
      ? ({ state: 'Upgrading', report: upgrading } as const)
      : null;
  if (wanted === null || savepointInFlight(c)) return null;
  if (wanted.state === 'Suspending') return wanted;
  const paths = c.change.kind === 'Restart' ? c.change.paths.join(', ') : '';
  const how = HOW[c.desired.upgrade.strategy];
  const message = `${paths} changed: the running version is replaced ${isStreaming(c) ? how : 'by a new run'}.`;
  return { ...wanted, events: [{ savepoint: null, type: 'Normal', reason: 'Upgrading', message }] };
}

function stay(c: Context): Outcome<'Running'> {
  const attempt = attemptOf(c);
  const missing = missingProcesses(c, attempt);
  return {
    state: 'Running',
    report: reportOf(c, missing.report),
    actions: missing.actions,
    events: missing.events,
    ...(missing.requeueAt === undefined ? deadlineOf(c) : { requeueAt: missing.requeueAt }),
  };
}

const silent: Report = {
  kind: 'Progressing',
  reason: 'JobManagerSilent',
  message: `The JobManager does not answer; when it has been silent for ${SILENCE_LIMIT / 1000} s it is ended, and the job goes on from its newest checkpoint.`,
};

function reportOf(c: Context, processLost: Report | null): Report {
  if (c.change.kind === 'Refused') return { kind: 'Stalled', reason: 'ChangeRefused', message: c.change.message };
  if (c.change.kind === 'Invalid') return { kind: 'Stalled', reason: c.change.reason, message: c.change.message };
  const at = scheduleOf(c);
  const invalid = at === null ? null : scheduleError(at);
  if (invalid !== null) return { kind: 'Stalled', reason: 'InvalidSchedule', message: `${invalid} The job runs on.` };
  if (isSilent(c)) return silent;
  if (processLost !== null) return processLost;
  const engine = engineOf(c, attemptOf(c));
  // A JobManager that does not answer for a moment is no news; the last report stands until it is taken for lost.
  if (engine !== null && engine.status !== 'RUNNING')
    return (
      reportOfLoss(c) ?? {
        kind: 'Progressing',
        reason: 'Recovering',
        message: shorten(engine.rootCause ?? 'The engine is restarting the tasks of the job.'),
      }
    );
  if (engine === null && !c.status.conditions.some((x) => x.type === 'Ready' && x.status === 'True'))
    return (
      reportOfLoss(c) ?? {
        kind: 'Progressing',
        reason: 'Recovering',
        message: 'The engine is restarting the tasks of the job.',
      }
    );
  return { kind: 'Ready', reason: 'Running', message: `The job runs.${withoutEffect(c)}` };
}
