// Keys `kubernetes.operator.*` in spec.flinkConfiguration: what the other operator is asked to do for one job, and its settings as a whole.
import { show } from '../api/schema-check.ts';
import { canonical } from './checks.ts';
import { flinkBoolean } from './flink-values.ts';
import { durationOf } from './flink-keys.ts';
import { mapped, nothingToDo, toDo, type Hand, type KeyRule } from './rules.ts';
import { scheduleOf } from './schedule.ts';
import { KEYS } from './subjects.ts';

const OPERATOR = 'kubernetes.operator.';
const BATCH_TAKES_NONE = 'a batch job takes no savepoints';
const WHOLE_OPERATOR = 'Is a setting of the other operator as a whole: see the values of the chart.';

export const OPERATOR_KEYS: readonly KeyRule[] = [
  mapped<string>(
    KEYS.schedule,
    'spec.state.savepoints.schedule',
    'A duration that divides an hour or a day, or is a week; a Quartz expression that five fields can say.',
    (text, hand) => {
      if (hand.mode === 'Batch') return hand.nothingToDo(BATCH_TAKES_NONE);
      const result = scheduleOf(text);
      if ('off' in result) return hand.nothingToDo('is switched off');
      if ('problem' in result) return hand.toDo(`${result.problem}, in spec.state.savepoints.schedule`);
      hand.put('spec.state.savepoints.schedule', result.schedule);
    },
  ),
  mapped<string>(
    `${OPERATOR}savepoint.history.max.count`,
    'spec.state.savepoints.retain.count',
    'With a schedule.',
    (text, hand) => {
      if (withSchedule(hand)) {
        const count = Number(text);
        if (!Number.isSafeInteger(count) || count < 1 || count > 1000)
          return hand.toDo(`${show(text)} is no number from 1 to 1000, which spec.state.savepoints.retain.count takes`);
        hand.put('spec.state.savepoints.retain.count', count);
      }
    },
  ),
  mapped<string>(
    `${OPERATOR}savepoint.history.max.age`,
    'spec.state.savepoints.retain.age',
    'With a schedule.',
    (text, hand) => {
      if (!withSchedule(hand)) return;
      const age = durationOf(text, hand);
      if (age !== null) hand.put('spec.state.savepoints.retain.age', age);
    },
  ),
  mapped<string>(KEYS.rollback, 'spec.upgrade.rollback.enabled', 'As it is.', (text, hand) => {
    const enabled = yes(text, hand);
    if (enabled === null) return;
    if (hand.mode === 'Batch') return hand.nothingToDo('a batch job has no version before to go back to');
    hand.put('spec.upgrade.rollback.enabled', enabled);
  }),
  mapped<string>(
    `${OPERATOR}deployment.readiness.timeout`,
    'spec.upgrade.rollback.deadline',
    'With rollback. Healthy is a version here when its first checkpoint is complete, not when it runs.',
    (text, hand) => {
      if (flinkBoolean(hand.settings.get(KEYS.rollback) ?? '') !== true || hand.mode === 'Batch')
        return hand.nothingToDo('counts for rollbacks, which are switched off');
      const deadline = durationOf(text, hand);
      if (deadline !== null) hand.put('spec.upgrade.rollback.deadline', deadline);
    },
  ),
  mapped<string>(
    `${OPERATOR}job.savepoint-on-deletion`,
    'spec.deletionPolicy',
    '`true` is Savepoint, the default of a stream here.',
    (text, hand) => {
      const asked = yes(text, hand);
      if (asked === null) return;
      if (hand.mode === 'Batch') return hand.nothingToDo(BATCH_TAKES_NONE);
      if (asked) return hand.put('spec.deletionPolicy', 'Savepoint');
      hand.toDo(
        'a stream takes a last savepoint when it is deleted; spec.deletionPolicy: Delete takes none, and removes the state as well',
      );
    },
  ),
  mapped<string>(
    `${OPERATOR}jm-deployment.shutdown-ttl`,
    ['spec.batch.ttlAfterFinished.succeeded', 'spec.batch.ttlAfterFinished.failed'],
    'Of a batch job.',
    (text, hand) => {
      if (hand.mode === 'Streaming')
        return hand.nothingToDo('counts for jobs that end: a stream has it for batch jobs only');
      const ttl = durationOf(text, hand);
      if (ttl === null) return;
      hand.put('spec.batch.ttlAfterFinished.succeeded', ttl);
      hand.put('spec.batch.ttlAfterFinished.failed', ttl);
    },
  ),
  mapped<string>(
    KEYS.templatesByName,
    ['spec.jobManager.podTemplate', 'spec.taskManager.podTemplate'],
    'How spec.podTemplate and those of the roles are merged; done at the import.',
    (_text, hand) => hand.nothingToDo('is done: the templates are merged that way'),
    { of: 'cluster' },
  ),
  mapped<string>(
    `${OPERATOR}job.restart.failed`,
    [],
    'A stream whose restart strategy has given up is Failed until restartNonce is changed: set one that goes on, in engine.config.',
    (text, hand) => {
      if (flinkBoolean(text) === false) return hand.nothingToDo('is so: who changes restartNonce runs it again');
      hand.toDo(
        'a stream whose restart strategy has given up is Failed until spec.restartNonce is changed: set restart-strategy.type: exponential-delay in spec.engine.config, without a limit of attempts',
      );
    },
  ),
  toDo(
    `${OPERATOR}cluster.health-check.*`,
    'Processes that are lost or silent are replaced; a job that runs and completes no checkpoints is not started again: alert on its metrics.',
  ),
  toDo(
    `${OPERATOR}periodic.checkpoint.interval`,
    'Checkpoints are taken every spec.state.checkpoint.interval, none besides.',
  ),
  mapped<string>(`${OPERATOR}savepoint.format.type`, [], 'Savepoints are taken in the canonical format.', canonical),
  toDo(`${OPERATOR}checkpoint.type`, 'No checkpoints are taken beside those of the interval.'),
  toDo(
    `${OPERATOR}savepoint.cleanup.enabled`,
    'Only savepoints of the schedule are cleared away, as spec.state.savepoints.retain says: raise that to keep more.',
  ),
  toDo(
    `${OPERATOR}savepoint.dispose-on-delete`,
    'Of a FlowSavepoint spec.disposalPolicy says it; those of the schedule go with their files.',
  ),
  toDo(`${OPERATOR}job.drain-on-savepoint-deletion`, 'No sources are drained at a deletion.'),
  toDo(
    `${OPERATOR}job.upgrade.last-state.max.allowed.checkpoint.age`,
    'LastState goes on from the newest checkpoint, however old: choose spec.upgrade.strategy: Savepoint where that is not good enough.',
  ),
  toDo(`${OPERATOR}plugins.*`, 'No plug-ins are loaded into the operator: watch events and conditions instead.'),
  toDo(
    `${OPERATOR}exception.label.mapper`,
    'Causes of failures stand in conditions and events by themselves, without labels of your own.',
  ),
  toDo(
    `${OPERATOR}user.artifacts.http.header`,
    'A jar is fetched without headers of your own: put it into the image or into storage.',
  ),
  ...[
    ['jm-deployment-recovery.enabled', 'A lost JobManager is always replaced.'],
    ['jm-deployment.startup.probe.enabled', 'The operator looks for itself whether a start succeeds.'],
    ['job.upgrade.ignore-pending-savepoint', 'Is no choice here: the operator decides.'],
    ['job.upgrade.inplace-scaling.enabled', 'A stream that runs takes another size in place where it can.'],
    [
      'job.upgrade.last-state-fallback.enabled',
      'Is no choice here: a job that does not run goes on from its newest complete state.',
    ],
    ['job.upgrade.last-state.job-cancel.enabled', 'LastState finds the newest checkpoint in storage itself.'],
    ['savepoint.trigger.grace-period', 'A savepoint is asked for until there is an answer.'],
    ['checkpoint.trigger.grace-period', 'No checkpoints are taken beside those of the interval.'],
    ['snapshot.resource.enabled', 'Each savepoint is a FlowSavepoint.'],
    ['session.deletion.block-on-session-jobs', 'Each job has a cluster of its own.'],
    ['session.deletion.block-on-unmanaged-jobs', 'Each job has a cluster of its own.'],
  ].map(([name, text]) => nothingToDo(`${OPERATOR}${name}`, text!)),
  ...[
    ...['dynamic.*', 'exception.*', 'flink.client.*', 'job.submission.timeout', 'leader-election.*', 'rate-limiter.*'],
    ...['reconcile.*', 'resource.*', 'retry.*', 'user.artifacts.*', 'watched.namespaces', 'cluster.resource-view.*'],
    ...['config.cache.*', 'events.exceptions.*', 'health.*', 'ingress.manage', 'label.selector', 'observer.*'],
    ...[
      'savepoint.history.max.age.threshold',
      'savepoint.history.max.count.threshold',
      'startup.*',
      'termination.timeout',
    ],
    ...[
      'josdk.metrics.enabled',
      'jvm.metrics.enabled',
      'kubernetes.client.metrics.*',
      'metrics.*',
      'default-configuration.*',
    ],
  ].map((name) => nothingToDo(`${OPERATOR}${name}`, WHOLE_OPERATOR, { of: 'cluster' })),
] as readonly KeyRule[];

function withSchedule(hand: Hand): boolean {
  const interval = hand.settings.get(KEYS.schedule);
  if (hand.mode === 'Streaming' && interval !== undefined && 'schedule' in scheduleOf(interval)) return true;
  hand.nothingToDo('counts for savepoints of a schedule, and there is none');
  return false;
}

function yes(text: string, hand: Hand): boolean | null {
  const answer = flinkBoolean(text);
  if (answer === null) hand.toDo(`${show(text)} is neither true nor false`);
  return answer;
}
