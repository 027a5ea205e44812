// spec.autoscaling: the limits within which the size of a stream follows its load. What was decided stands in status.autoscaling, never in spec.
import { Type, type Static } from '@sinclair/typebox';
import { CRON_RULE, TIME_ZONE_RULE } from './cron-pattern.ts';
import { duration, quantity, stringEnum, type CelRule } from './schema-kit.ts';

export const AUTOSCALING_MODES = ['Apply', 'Recommend'] as const;
export const MEMORY_MODES = ['Off', 'Recommend', 'Apply'] as const;

const IN_PLACE = { 'x-flowjob-change': 'in-place' } as const;
const parallelism = (description: string, fallback: number) =>
  Type.Integer({ description, minimum: 1, maximum: 128, default: fallback, format: 'int32', ...IN_PLACE });
const price = (description: string) => Type.Number({ description, minimum: 0, maximum: 1_000_000, ...IN_PLACE });

const WindowSchema = Type.Object(
  {
    name: Type.String({
      description: 'What messages call it: `night`.',
      pattern: '^[A-Za-z0-9]([-A-Za-z0-9 ]*[A-Za-z0-9])?$',
      maxLength: 63,
    }),
    schedule: Type.String({
      description: 'When it opens, as in a CronJob: minute, hour, day of the month, month, day of the week.',
      maxLength: 100,
      'x-kubernetes-validations': [CRON_RULE],
    }),
    timeZone: Type.String({
      description: 'The time zone that the schedule is in, as the IANA names it: `Europe/Berlin`.',
      pattern: '^[A-Za-z][A-Za-z0-9_+/-]*$',
      maxLength: 64,
      default: 'UTC',
      'x-kubernetes-validations': [TIME_ZONE_RULE],
    }),
    duration: Type.String({
      description:
        'How long it stays open. With `suspend` it must be shorter than the longest time between two openings, or the job would never run.',
      pattern: '^[1-9][0-9]*(ms|s|m|h|d)$',
      maxLength: 16,
    }),
    minParallelism: Type.Optional(
      Type.Integer({ description: 'Takes the place of minParallelism.', minimum: 1, maximum: 128, format: 'int32' }),
    ),
    maxParallelism: Type.Optional(
      Type.Integer({ description: 'Takes the place of maxParallelism.', minimum: 1, maximum: 128, format: 'int32' }),
    ),
    suspend: Type.Boolean({
      description: 'While it is open the job is stopped, with a savepoint; it goes on from that afterwards.',
      default: false,
    }),
  },
  { description: 'A time with bounds of its own. Of those that are open the first counts.' },
);

/** The autoscaler looks at a job every ten seconds: of anything shorter it could not know. */
const TEN_SECONDS: CelRule = {
  rule: "!self.matches('^0*([0-9]{0,4}ms|[0-9]?s|[mhd])$')",
  message: 'must be 10s or longer, because a job is looked at every 10 s: raise it',
};

const ScaleToZeroSchema = Type.Object(
  {
    idleAfter: duration({
      description: 'Without a record for this long the job is stopped, with a savepoint.',
      default: '10m',
      'x-kubernetes-validations': [TEN_SECONDS],
      ...IN_PLACE,
    }),
    lookEvery: duration({
      description:
        'How long a job that was stopped so stays stopped before it is started, to see whether there is work.',
      default: '15m',
      'x-kubernetes-validations': [TEN_SECONDS],
      ...IN_PLACE,
    }),
  },
  { description: 'Stops a job whose sources have nothing to read.' },
);

const MemorySchema = Type.Object(
  {
    mode: stringEnum(MEMORY_MODES, {
      description:
        '`Recommend`: what a TaskManager should have by its measured use stands in status.autoscaling. `Apply`: its next start takes it. `Off`: nothing is reckoned.',
      default: 'Recommend',
      ...IN_PLACE,
    }),
    limit: Type.Optional(
      quantity({
        description:
          'More than this is never recommended, and never given after a TaskManager was killed for its memory.',
        'x-flowjob-default': 'taskManager.resources.limits.memory',
        ...IN_PLACE,
      }),
    ),
  },
  { description: 'The memory of TaskManagers.', default: {} },
);

const PricesSchema = Type.Object(
  {
    corePerHour: price('Of one CPU core for an hour.'),
    gibPerHour: price('Of one GiB of memory for an hour.'),
    currency: Type.String({
      description: 'For messages and metrics.',
      pattern: '^[A-Z]{3}$',
      maxLength: 3,
      default: 'EUR',
      ...IN_PLACE,
    }),
  },
  { description: 'What TaskManagers cost.' },
);

export const AutoscalingSchema = Type.Object(
  {
    enabled: Type.Boolean({
      description:
        'True: the size of the job follows its load, and taskManager.replicas and job.parallelism only say where it begins.',
      default: false,
      ...IN_PLACE,
    }),
    mode: stringEnum(AUTOSCALING_MODES, {
      description:
        '`Apply`: what is decided is done. `Recommend`: it is told in status.autoscaling, and nothing is done.',
      default: 'Apply',
      ...IN_PLACE,
    }),
    minParallelism: parallelism('No operator gets fewer subtasks, but for one that cannot use so many.', 1),
    maxParallelism: parallelism('No operator gets more subtasks.', 16),
    targetUtilization: Type.Number({
      description: 'The share of their time that subtasks are to be busy.',
      minimum: 0.1,
      maximum: 0.95,
      default: 0.7,
      ...IN_PLACE,
    }),
    catchUpTime: duration({
      description: 'In which a backlog is to be worked off.',
      default: '5m',
      positive: true,
      ...IN_PLACE,
    }),
    lagTarget: duration({
      description: 'How old the oldest waiting record may be before that counts as lag.',
      default: '30s',
      positive: true,
      ...IN_PLACE,
    }),
    maxRescalesPerDay: Type.Integer({
      description:
        'After so many in a day the job is not scaled ahead of need, and down only where half or more has not been needed for an hour, and for twice as long with each rescale more, up to six hours. A need itself is always followed.',
      minimum: 0,
      maximum: 1000,
      default: 4,
      format: 'int32',
      ...IN_PLACE,
    }),
    learnProfile: Type.Boolean({
      description: 'Whether a load that recurs by the day or the week is learned, and met ahead of time.',
      default: true,
      ...IN_PLACE,
    }),
    schedules: Type.Optional(
      Type.Array(WindowSchema, { description: 'Times with bounds of their own.', maxItems: 16, ...IN_PLACE }),
    ),
    scaleToZero: Type.Optional(ScaleToZeroSchema),
    memory: MemorySchema,
    prices: Type.Optional(PricesSchema),
    budgetPerHour: Type.Optional(
      price(
        'The most that the TaskManagers may cost in an hour, in the currency of the prices: it bounds their number. One is always left, whatever it costs; `suspend` of a schedule, or scaleToZero, stops the job.',
      ),
    ),
  },
  {
    description: 'Lets the size of a stream follow its load.',
    'x-kubernetes-validations': [
      {
        rule: 'self.minParallelism <= self.maxParallelism',
        message: 'must not be above maxParallelism: lower it, or raise maxParallelism',
        fieldPath: '.minParallelism',
      },
      {
        rule: '!has(self.schedules) || self.schedules.all(w, !has(w.minParallelism) || !has(w.maxParallelism) || w.minParallelism <= w.maxParallelism)',
        message: 'minParallelism of a schedule must not be above its maxParallelism: lower the one or raise the other',
        fieldPath: '.schedules',
      },
      {
        rule: '!has(self.schedules) || self.schedules.all(w, !has(w.minParallelism) || has(w.maxParallelism) || w.minParallelism <= self.maxParallelism)',
        message:
          'a schedule must not have a minParallelism above maxParallelism: raise maxParallelism, or give the schedule one of its own',
        fieldPath: '.schedules',
      },
      {
        rule: '!has(self.budgetPerHour) || has(self.prices)',
        message: 'a budget needs prices to be reckoned with: add prices',
        fieldPath: '.budgetPerHour',
      },
    ] satisfies CelRule[],
  },
);
export type AutoscalingSpec = Static<typeof AutoscalingSchema>;
export type AutoscalingWindow = Static<typeof WindowSchema>;
