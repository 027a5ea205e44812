// Keys `job.autoscaler.*`: the bounds go along, how the other autoscaler measures and damps does not.
import { show } from '../api/schema-check.ts';
import { AutoscalingSchema } from '../api/autoscaling.ts';
import { numberOf } from './checks.ts';
import { flinkBoolean } from './flink-values.ts';
import { durationOf } from './flink-keys.ts';
import { mapped, nothingToDo, toDo, type Hand, type KeyRule } from './rules.ts';

const AUTOSCALER = 'job.autoscaler.';
/** Under which names of the other operator's own it was before release 1.9. */
const FORMER = 'kubernetes.operator.job.autoscaler.';
const { minParallelism, maxParallelism, targetUtilization } = AutoscalingSchema.properties;

const MEASURED = 'Is measured, or is not needed, by this autoscaler.';

const key = (
  name: string,
  field: string,
  text: string,
  put: (value: string, hand: Hand, field: string) => void,
): KeyRule =>
  mapped<string>(`${AUTOSCALER}${name}`, `spec.autoscaling.${field}`, text, (value, hand) => {
    if (hand.mode === 'Batch') return hand.nothingToDo('a batch job is not autoscaled');
    put(value, hand, `spec.autoscaling.${field}`);
  });

const answers = (yes: unknown, no: unknown) => (text: string, hand: Hand, field: string) => {
  const answer = flinkBoolean(text);
  if (answer === null) return hand.toDo(`${show(text)} is neither true nor false`);
  hand.put(field, answer ? yes : no);
};

const parallelism = (least: number, most: number) => (text: string, hand: Hand, field: string) => {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    return hand.toDo(`${show(text)} is no whole number from ${least} on`);
  hand.put(field, Math.min(number, most));
  if (number > most) hand.toDo(`is ${number} there, and ${most} here, which is the most`);
};

const duration = (text: string, hand: Hand, field: string): void => {
  const value = durationOf(text, hand);
  if (value !== null) hand.put(field, value);
};

const MOST = `${AUTOSCALER}vertex.max-parallelism`;
const DEFAULT_MOST = maxParallelism.default as number;

/** Most subtasks of an operator in a job that does not say how many: never below the fewest. */
function mostWhereNotSaid({ settings }: Hand): number {
  const least = Number(settings.get(`${AUTOSCALER}vertex.min-parallelism`));
  if (settings.has(MOST) || !Number.isSafeInteger(least)) return DEFAULT_MOST;
  return Math.min(Math.max(DEFAULT_MOST, least), maxParallelism.maximum!);
}

const RULES: readonly KeyRule[] = [
  key(
    'enabled',
    'enabled',
    'As it is. Where vertex.max-parallelism is not set, the most is 16, not 200.',
    (text, hand, field) => {
      answers(true, false)(text, hand, field);
      if (flinkBoolean(text) === true && !hand.settings.has(MOST))
        hand.toDo(
          `operators get ${mostWhereNotSaid(hand)} subtasks at most, where the other operator gives 200: write spec.autoscaling.maxParallelism for more`,
        );
    },
  ),
  key('scaling.enabled', 'mode', '`true` is Apply, `false` Recommend.', answers('Apply', 'Recommend')),
  key(
    'vertex.min-parallelism',
    'minParallelism',
    `As it is. Where vertex.max-parallelism is not set and this is above ${DEFAULT_MOST}, the most is as much.`,
    (text, hand, field) => {
      parallelism(1, minParallelism.maximum!)(text, hand, field);
      if (mostWhereNotSaid(hand) > DEFAULT_MOST) hand.put('spec.autoscaling.maxParallelism', mostWhereNotSaid(hand));
    },
  ),
  key(
    'vertex.max-parallelism',
    'maxParallelism',
    `As it is, up to ${maxParallelism.maximum!}.`,
    parallelism(1, maxParallelism.maximum!),
  ),
  key(
    'utilization.target',
    'targetUtilization',
    `From ${targetUtilization.minimum!} to ${targetUtilization.maximum!}.`,
    (text, hand, field) => {
      const share = numberOf(text, hand, targetUtilization.minimum!, targetUtilization.maximum!);
      if (share !== null) hand.put(field, share);
    },
  ),
  key('catch-up.duration', 'catchUpTime', 'In FlowJob’s units.', duration),
  key('memory.tuning.enabled', 'memory.mode', '`true` is Apply, `false` Recommend.', answers('Apply', 'Recommend')),
  ...[
    [
      'excluded.periods',
      'Write spec.autoscaling.schedules: times with a minParallelism and a maxParallelism of their own.',
    ],
    ['quota.cpu', 'Bound the job by spec.autoscaling.maxParallelism, or by prices and budgetPerHour.'],
    ['quota.memory', 'Bound the job by spec.autoscaling.maxParallelism, or by prices and budgetPerHour.'],
    ['vertex.exclude.ids', 'No operator is excepted: set its parallelism in the program, and maxParallelism for all.'],
    ['metrics.custom-evaluator*', 'No plug-ins are loaded into the autoscaler.'],
    ['scaling.custom-executor*', 'No plug-ins are loaded into the autoscaler.'],
    ['scaling.parallelism-alignment.mode.*', 'No plug-ins are loaded into the autoscaler.'],
    [
      'utilization.max',
      'The autoscaler holds a margin of its own around spec.autoscaling.targetUtilization: set that.',
    ],
    [
      'utilization.min',
      'The autoscaler holds a margin of its own around spec.autoscaling.targetUtilization: set that.',
    ],
    [
      'target.utilization.boundary',
      'The autoscaler holds a margin of its own around spec.autoscaling.targetUtilization: set that.',
    ],
    ['backlog-processing.lag-threshold', 'From which lag on the job is behind, spec.autoscaling.lagTarget says.'],
    ['scale-down.interval', 'How often a job is scaled without need, spec.autoscaling.maxRescalesPerDay says.'],
  ].map(([name, text]) => toDo(`${AUTOSCALER}${name}`, text!)),
  ...[
    ...[
      'flink.rest-client.timeout',
      'history.max.age',
      'history.max.count',
      'memory.gc-pressure.threshold',
      'memory.heap-usage.threshold',
    ],
    ...[
      'memory.tuning.maximize-managed-memory',
      'memory.tuning.overhead',
      'memory.tuning.scale-down-compensation.enabled',
    ],
    ...[
      'metrics.busy-time.aggregator',
      'metrics.window',
      'observed-scalability.*',
      'observed-true-processing-rate.*',
      'restart.time',
    ],
    ...[
      'restart.time-tracking.*',
      'scale-down.max-factor',
      'scale-up.max-factor',
      'scaling.effectiveness.*',
      'scaling.event.interval',
    ],
    ...[
      'scaling.parallelism-alignment.mode',
      'scaling.key-group.partitions.adjust.mode',
      'stabilization.interval',
      'scale-up.grace-period',
    ],
  ].map((name) => nothingToDo(`${AUTOSCALER}${name}`, MEASURED)),
] as readonly KeyRule[];

const OLDER_NAMES: Readonly<Record<string, string>> = {
  'utilization.target': 'target.utilization',
};

export const AUTOSCALER_KEYS: readonly KeyRule[] = RULES.map((rule) => {
  const name = rule.from.slice(AUTOSCALER.length);
  const older = OLDER_NAMES[name];
  const names = older === undefined ? [] : [`${AUTOSCALER}${older}`, `${FORMER}${older}`];
  return { ...rule, formerly: [`${FORMER}${name}`, ...names] };
});
