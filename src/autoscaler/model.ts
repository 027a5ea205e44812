// The types of an autoscaling decision: a reading of a job, the limits, what is remembered between two looks, and what is decided.
// Everything here is plain data that survives JSON. What is not known is null, never 0: a 0 is a measurement.

/** Milliseconds since the epoch. */
export type Time = number;

/** One reading of a job. Readings of one `run` and one `rescales` count are of one configuration, and only those are compared. */
export interface Sample {
  at: Time;
  /** The engine's job id. Null: no job was found; then `vertices` is empty. */
  run: string | null;
  /** How often this run was rescaled. With `run` it names the configuration that was read. */
  rescales: number;
  /** Since when all tasks have been RUNNING in this configuration. Null: they are not, or it is not known. */
  runningSince: Time | null;
  /** In topological order: an input stands before what it feeds. */
  vertices: VertexSample[];
  /** Registered at the JobManager. Null: not known. */
  taskManagers: TaskManagerSample[] | null;
  /** Pauses that this job itself went through, oldest first; at most the last 16. */
  pauses: Pause[];
  /** TaskManager processes that the kernel ended for want of memory since the run began. Null: not known. */
  outOfMemoryKills: number | null;
}

/** How records travel to a vertex, under Flink's names. */
export type ShipStrategy = 'HASH' | 'FORWARD' | 'REBALANCE' | 'RESCALE' | 'BROADCAST' | 'GLOBAL' | 'CUSTOM';

export interface VertexSample {
  /** Flink's id of the vertex: it stays the same while the job's text does. */
  id: string;
  name: string;
  parallelism: number;
  /** Number of key groups, of a source of readers that it can have: there is no use for more subtasks. */
  maxParallelism: number;
  /** Empty for a source. */
  inputs: { id: string; shipStrategy: ShipStrategy }[];
  /**
   * Records received since the configuration started; of a source, records read from outside. Never falls within one configuration.
   * Null: missing, not a number, or told as incomplete (`read-records-complete: false`).
   */
  recordsIn: number | null;
  /** Records emitted since the configuration started, over all outputs. Null as for `recordsIn`. */
  recordsOut: number | null;
  /** One for each subtask that answered; fewer than `parallelism` means that the rest is not known. */
  subtasks: SubtaskTimes[];
  /** Sources: records that wait outside to be read, summed over subtasks. Null: not a source, or it cannot tell. */
  pendingRecords: number | null;
  /**
   * Sources: partitions, each of which belongs to one subtask for good (those of a Kafka topic, which Flink's autoscaler counts by the metrics
   * `KafkaSourceReader.topic.*.partition.*.currentOffset`): more subtasks than that are idle, and one with more of them than others is the limit. Null: not
   * known, or the source has none. No source of the embedded engine has: its splits (ranges of a file, row groups, ranges of numbers) go to whoever is free,
   * so that p subtasks do the work of p whatever their number. What bounds such a source is `maxParallelism`.
   */
  partitions: number | null;
}

/** What a subtask did in the last second, milliseconds; the three add up to about 1000. Flink's busyTimeMsPerSecond and its sisters. */
export interface SubtaskTimes {
  busy: number | null;
  backPressured: number | null;
  idle: number | null;
}

export interface TaskManagerSample {
  id: string;
  slots: number | null;
  freeSlots: number | null;
  /** Resident memory of the process (or the pod's working set), bytes. */
  memoryUsedBytes: number | null;
  /** What it may use: the pod's limit, bytes. */
  memoryLimitBytes: number | null;
}

/** A time without progress, from the request (Rescale) or the failure (Restart) until all tasks ran again. */
export interface Pause {
  at: Time;
  durationMs: number;
  cause: 'Rescale' | 'Restart';
}

/** What `spec.autoscaling` and the TaskManagers' template resolve to. `DEFAULTS` (defaults.ts) has the rest of the values. */
export interface AutoscalingConfig {
  /** Recommend decides and lets nobody act. */
  mode: 'Apply' | 'Recommend';
  /** Bounds of every vertex's parallelism. */
  minParallelism: number;
  maxParallelism: number;
  /** Share of their time that subtasks shall be busy, above 0 and below 1. */
  targetUtilization: number;
  slotsPerTaskManager: number;
  /** In which a backlog shall be worked off, milliseconds. */
  catchUpTimeMs: number;
  /** How old the oldest waiting record may be before it counts as lag, milliseconds. */
  lagTargetMs: number;
  /** Rescales in a day beyond which the job is not scaled ahead of need, and down only by half or more, more and more rarely. Need itself is always followed. */
  rescalesPerDay: number;
  /** The first window that is open counts. */
  schedules: ScheduleWindow[];
  /** Whether a recurring load is learned and met ahead of time. */
  learnProfile: boolean;
  /** Null: an idle job keeps its TaskManagers. */
  scaleToZero: ScaleToZero | null;
  /** Of one TaskManager: what the prices are multiplied with, and what memory recommendations may never exceed. */
  taskManager: { cores: number; memoryBytes: number };
  memory: MemoryConfig;
  prices: Prices | null;
  /** Most that the job may cost per hour, in the prices' currency: it bounds the number of TaskManagers. Null: no bound. */
  budgetPerHour: number | null;
}

/** From each time of the schedule, for `durationMs`. What is null is left as it is outside the window. */
export interface ScheduleWindow {
  /** For messages: `night`. */
  name: string;
  /** Five cron fields. */
  schedule: string;
  /** An IANA name. */
  timeZone: string;
  durationMs: number;
  minParallelism: number | null;
  maxParallelism: number | null;
  /** The job is stopped with a savepoint while the window is open, and started after it. */
  suspend: boolean;
}

export interface ScaleToZero {
  /** Without a record for this long, the job is stopped with a savepoint. */
  idleAfterMs: number;
  /** How often a stopped job is started to see whether there is work. */
  lookEveryMs: number;
}

export interface MemoryConfig {
  /** Off: nothing is reckoned. Recommend: told in the decision. Apply: used at the next rescale. */
  mode: 'Off' | 'Recommend' | 'Apply';
  /** The user's own limit of a TaskManager's memory, bytes: nothing is recommended above it. */
  limitBytes: number;
}

export interface Prices {
  corePerHour: number;
  gibPerHour: number;
  /** For messages: `EUR`. */
  currency: string;
}

/**
 * What the decider remembers between two looks at a job. `readings` live in memory alone. `kept` is small (a few KiB) and outlives the process (`keep.ts`
 * says when it is written down), so that a new leader goes on. When either is lost nothing unsafe follows: the job is held until it has been measured anew, and the budget of rescales begins afresh.
 */
export interface History {
  /** Readings of the present configuration, oldest first, no longer than the window. */
  readings: Reading[];
  kept: Kept;
}

/** A reading that is kept. Counters that contradict what else is known are not trusted: no rate is taken from them. */
export interface Reading extends Sample {
  countersTrusted: boolean;
}

export interface Kept {
  version: 1;
  /** Rescales that were decided (mode Apply) in the last 24 hours, oldest first. */
  actions: PastAction[];
  /** By vertex id. */
  vertices: Record<string, KeptVertex>;
  /** The last scale-up, until it is known whether it helped. */
  unproven: UnprovenScaleUp | null;
  /** What a rescale of this job costs: the median of its own pauses, milliseconds. Null: it has not been rescaled yet. */
  pauseMs: number | null;
  /** The rescale that was asked for and has not been seen in a reading yet. */
  asked: { at: Time; run: string | null; rescales: number } | null;
  /** Since when the load is above what the job can do at all, and since when above the upper utilisation. */
  overSince: Time | null;
  warmSince: Time | null;
  /** The load of the last hours. */
  recent: RecentLoad | null;
  /** Since when no record has come and none has waited. */
  idleSince: Time | null;
  /** Since when the job is stopped by a decision, and why. Whoever begins without `kept` takes it from status: a stopped job is woken by nobody else. */
  stopped: { at: Time; cause: 'Idle' | 'Schedule' } | null;
  profile: LoadProfile | null;
  memory: KeptMemory;
  /** Those that last, so that each is told once. */
  notices: KeptNotice[];
  /** Null: there have never been prices. */
  cost: KeptCost | null;
}

export interface PastAction {
  at: Time;
  direction: 'Up' | 'Down';
  /** TaskManagers. */
  from: number;
  to: number;
  reason: DecisionReason;
}

/** Mean load of the last six hours in steps of five minutes, records per second of all sources. */
export interface RecentLoad {
  /** Oldest first, without the present step. Null: not known. */
  steps: (number | null)[];
  /** The present step. */
  start: Time;
  sum: number;
  count: number;
}

export interface KeptVertex {
  /** At which it was measured: at another one it is measured anew. */
  parallelism: number;
  /** Records per second that one busy subtask handles, as last measured. Null: never measured. */
  ratePerSubtask: number | null;
  /** Records received for each record that its sources read, as last measured. Null: never measured. */
  ratio: number | null;
  /** It once told how many records wait: when it does not, that is unknown and not its nature. */
  tellsPending: boolean;
  /** More than `parallelism` subtasks brought no more than `capacity` records/s: not tried again before `until`. `tries`: how often that was seen. */
  ceiling: { parallelism: number; capacity: number; until: Time; tries: number } | null;
}

export interface UnprovenScaleUp {
  at: Time;
  /** By vertex id, of those that were raised. `capacity`: records per second that it could handle, and what it was expected to handle after. */
  vertices: Record<string, { from: number; to: number; capacity: number; expected: number }>;
}

/** The load of a week, in slots of half an hour from Monday 00:00 UTC on: records per second of all sources in the busiest five minutes of each slot. */
export interface LoadProfile {
  /** 336 slots. Null: not seen yet. */
  slots: (number | null)[];
  /** The slot that is being measured, and its busiest five minutes so far. */
  current: { slot: number; highest: number } | null;
}

export interface KeptMemory {
  /** Highest use that was seen of any TaskManager, bytes, decaying by the day. Null: never seen. */
  peakBytes: number | null;
  peakAt: Time | null;
  /** Since when use was seen. */
  since: Time | null;
  /** Kills that were already answered. */
  killsSeen: number;
  run: string | null;
  /** Memory of a TaskManager after the one bump, bytes. Null: none was made. */
  bumpedBytes: number | null;
}

export interface KeptNotice {
  kind: Notice['kind'];
  subject: string;
  /** At which look it was there last. */
  seenAt: Time;
}

/** What the job has cost: a line, and not a sum over looks, so that it is known also for a time in which nobody looked. */
export interface KeptCost {
  /** Since when it is reckoned. */
  since: Time;
  /** From then until `until`, in `currency`. */
  total: number;
  currency: string;
  /** After `until`. */
  perHour: number;
  until: Time;
}

/** Why a decision is as it is. CamelCase, for conditions and events; each has its words in `message`. */
export type DecisionReason =
  /** The job does not run (yet), or not for long enough to judge. */
  | 'NotRunning'
  | 'Measuring'
  /** The last rescale is still under way. */
  | 'Rescaling'
  /** A metric is missing, stale or contradicts another: held, never scaled down. */
  | 'MetricsUnknown'
  /** Load and capacity fit. */
  | 'Balanced'
  /** Load is above what the subtasks can do at the upper utilisation. */
  | 'Overloaded'
  /** Waiting records would not be worked off in time. */
  | 'Lagging'
  /** Fewer TaskManagers have been enough for long enough. */
  | 'Underused'
  /** More are needed or fewer would do, but not for long enough yet, or too many rescales were made. */
  | 'Patient'
  /** The learned profile says that the load is about to rise. */
  | 'AheadOfLoad'
  /** The last scale-up brought nothing and is undone. */
  | 'Ineffective'
  /** Parallelism was outside its bounds (which a schedule may have moved). */
  | 'OutsideBounds'
  /** Load asks for more than bounds, ceiling or budget allow. */
  | 'AtMaximum'
  /** No work came: stopped. */
  | 'Idle'
  /** A schedule says suspend. */
  | 'Scheduled'
  /** A stopped job is started again: its window is over, or it is time to look for work. */
  | 'WindowOver'
  | 'LookForWork';

export interface Decision {
  at: Time;
  /**
   * Hold: change nothing. Rescale: `parallelism` and `taskManagers` are the new ones. Suspend: stop with a savepoint. Wake: start again with `taskManagers`.
   * With `mode: Recommend` the same is decided and `act` is false.
   */
  action: 'Hold' | 'Rescale' | 'Suspend' | 'Wake';
  act: boolean;
  direction: 'Up' | 'Down' | null;
  /** By vertex id: what it shall have. Of Hold: what it has. */
  parallelism: Record<string, number>;
  /** How many are to run. Null: leave them as they are, because nothing is known. */
  taskManagers: number | null;
  reason: DecisionReason;
  /** One or two sentences for people. Its figures move with each look: write it to status only when the action or the reason changes. */
  message: string;
  /** The arithmetic, in the order in which it was done, for `explain`. */
  terms: Term[];
  unknown: Unknown[];
  notices: Notice[];
  /** Null: mode Off, or nothing measured yet. */
  memory: MemoryDecision | null;
  /** What the job costs with `taskManagers`. Null: no prices. */
  costPerHour: number | null;
  /** When to look again, milliseconds since the epoch. */
  lookAgainAt: Time;
}

/** One line of arithmetic: `map: load = 3 × 400 = 1200 records/s`. */
export interface Term {
  /** The name of a vertex, or `job`. */
  subject: string;
  quantity: string;
  /** How it came about, with the figures put in; empty for a measurement. */
  formula: string;
  value: number;
  /** `records/s`, `subtasks`, `s`, `TaskManagers`, `bytes`, or empty for a share. */
  unit: string;
}

export interface Unknown {
  /** The name of a vertex, or `job`. */
  subject: string;
  /** Flink's name of the metric. */
  metric: string;
  why: string;
}

/** What the user should know besides the decision; an event when it is new. */
export interface Notice {
  kind: 'Ineffective' | 'HotKey' | 'AtMaximum' | 'OverBudget' | 'AheadOfLoad' | 'MemoryBump' | 'MemoryAtLimit';
  subject: string;
  message: string;
}

export interface MemoryDecision {
  /** What a TaskManager should have, bytes. */
  bytes: number;
  /** To be used at the next start of a TaskManager (mode Apply). */
  apply: boolean;
  message: string;
}

/** What goes into one decision (`decide` in decide.ts). */
export interface DecideInput {
  config: AutoscalingConfig;
  history: History;
  /** Null: nothing could be read, or the job is stopped by an earlier decision. */
  sample: Sample | null;
  now: Time;
}

export interface DecideResult {
  decision: Decision;
  /** Of the decision's notices those that were not there at the last looks: worth telling. */
  begun: Notice[];
  /** To be kept for the next look. `kept.actions` already counts what was decided, so hand it on only if the decision is acted on or its `act` is false. */
  history: History;
}
