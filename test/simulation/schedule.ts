// A schedule is data: the job, the machines, and a list of faults and requests with their times. The seed makes it; shrinking takes faults out of it.
import { Random } from './random.ts';
import type { TemporaryEvent } from './temporary-disk.ts';
import { STREAMS } from './workloads.ts';

/** Which process a fault hits: the newest JobManager, or the TaskManager of a number. */
export type Target = { kind: 'jobmanager' } | { kind: 'taskmanager'; index: number };

/** Right behind which of its events a process is hit, counted from the fault's time: crashes between two steps are found at the steps. */
export interface Moment {
  label: string;
  count: number;
  /** So many milliseconds behind it; else at once. */
  later?: number | undefined;
}

export type ProcessFault = { at: number; target: Target; moment: Moment | null } & (
  | {
      /** SIGKILL. `vanish`: with its machine, so that nobody is told and what it had not synced is lost. */
      type: 'kill';
      vanish: boolean;
    }
  | {
      /** SIGSTOP, and SIGCONT after `ms`. `successor`: another is started in its place after so long, beside it. */
      type: 'pause';
      ms: number;
      successor: number | null;
    }
);

/** All times in virtual milliseconds; `at` from the beginning. */
export type Fault =
  | ProcessFault
  /** A JobManager of the next epoch is started although the old one is well. */
  | { at: number; type: 'secondJobManager' }
  | { at: number; type: 'breakLinks'; target: Target; probability: number; silent: boolean }
  | { at: number; type: 'partition'; a: Target; b: Target; ms: number }
  | { at: number; type: 'slowNetwork'; ms: number; times: number }
  | { at: number; type: 'slowDisk'; ms: number; times: number }
  | { at: number; type: 'fullDisk'; ms: number }
  | { at: number; type: 'diskErrors'; ms: number; probability: number }
  | { at: number; type: 'lyingDisk'; ms: number }
  /** The whole machine: all processes die, the disk loses what it had not been told to keep. */
  | { at: number; type: 'powerLoss' }
  | { at: number; type: 'staleEndpoints'; ms: number; probability: number }
  /** The wall clock of a process jumps: somebody, or NTP, has set it. */
  | ClockStep;

interface ClockStep {
  at: number;
  type: 'clockStep';
  target: Target;
  /** Forward, or back when negative. */
  ms: number;
}

/** Has an answer, under its trigger id. */
export type Operation =
  | { at: number; type: 'savepoint'; triggerId: string }
  | { at: number; type: 'checkpoint'; triggerId: string }
  /** Stop with a savepoint, and go on from it as a new job. */
  | { at: number; type: 'upgrade'; triggerId: string; parallelism: number };

/** `rescale`: in place, all vertices up to this parallelism. */
export type Request = Operation | { at: number; type: 'rescale'; parallelism: number };

export interface Schedule {
  seed: number;
  workload: number;
  batch: boolean;
  /** Temporary files are those of one machine; else each TaskManager has its own, and so has the JobManager. */
  oneMachine: boolean;
  rows: number;
  /** Rows per second of the source. */
  rate: number;
  parallelism: number;
  taskManagers: number;
  slots: number;
  config: Record<string, string>;
  /** How likely it is that a JobManager that died is started again under its own epoch, as a container is. */
  sameEpoch: number;
  faults: Fault[];
  requests: Request[];
  /** Faults that last end by then. */
  faultsEnd: number;
  /** With which parallelism the newest savepoint is restored in the end; null: not this time. */
  restoreAt: number | null;
}

const BUDGET = 'taskmanager.memory.managed.size';

const RESTARTS = {
  'restart-strategy.exponential-delay.attempts-before-reset-backoff': '0',
  'restart-strategy.exponential-delay.max-backoff': '1s',
};

/** Clock steps are drawn apart. */
type Kind = Exclude<Fault['type'], 'clockStep'>;

const KINDS: readonly Kind[] = [
  'kill',
  'pause',
  'secondJobManager',
  'breakLinks',
  'partition',
  'slowNetwork',
  'slowDisk',
  'fullDisk',
  'diskErrors',
  'lyingDisk',
  'powerLoss',
  'staleEndpoints',
];

/** How often each kind is among those that a schedule uses: what hides other faults behind it is rarer. */
const SHARE: Partial<Record<Kind, number>> = { lyingDisk: 0.12, powerLoss: 0.3 };

/** What a history is of: by its seed alone, so that a new kind leaves the histories of the others what they were. */
function kindOf(seed: number): 'batch' | 'spilling' | 'plain' {
  return seed % 5 === 0 ? 'batch' : seed % 5 === 1 ? 'spilling' : 'plain';
}

export function makeSchedule(seed: number): Schedule {
  const kind = kindOf(seed);
  if (kind === 'batch') return withClockSteps(makeBatch(seed));
  const schedule = makeStream(seed);
  return withClockSteps(kind === 'plain' ? schedule : makeSpilling(schedule));
}

/** In a part of the histories. From random numbers of its own, so that the others stay what they were. */
function withClockSteps(schedule: Schedule): Schedule {
  const random = new Random(schedule.seed, 'clock');
  if (!random.chance(0.3)) return schedule;
  const steps = Array.from({ length: random.pick([1, 2, 4]) }, () => ({
    at: random.between(0, schedule.faultsEnd),
    type: 'clockStep' as const,
    target: makeTarget(random, schedule.taskManagers),
    ms: Math.round(random.pick([-1, 1]) * random.spread(100, 7_200_000)),
  }));
  return { ...schedule, faults: [...schedule.faults, ...steps].sort((a, b) => a.at - b.at) };
}

/** What has a batch begin anew hides what a stage that is lost takes; a batch trusts the disk with its last step only. */
const BATCH_SHARE: Partial<Record<Kind, number>> = {
  kill: 0.8,
  pause: 0.5,
  breakLinks: 0.4,
  secondJobManager: 0.15,
  powerLoss: 0.15,
  lyingDisk: 0.05,
};

/** Swarm testing (Groce and others, 2012): each schedule uses some kinds of faults only, so that none drowns the others. */
function makeStream(seed: number): Schedule {
  const random = new Random(seed, 'schedule');
  const parallelism = random.pick([1, 2, 2, 2, 3, 4]);
  const slots = random.pick([1, 1, 2]);
  const taskManagers = Math.ceil(parallelism / slots) + (random.chance(0.3) ? 1 : 0);
  const rows = random.pick([30, 50, 80, 120]);
  const seconds = random.between(0.6, 2.5);
  const calm = random.chance(0.05);
  const kinds = KINDS.filter((kind) => random.chance(SHARE[kind] ?? 0.4));
  const horizon = seconds * 1000 * random.between(1, 2);
  const faults = makeFaults(random, calm ? [] : kinds, horizon, taskManagers);
  return {
    seed,
    workload: random.below(STREAMS),
    batch: false,
    oneMachine: false,
    rows,
    rate: Math.ceil(rows / seconds),
    parallelism,
    taskManagers,
    slots,
    config: {
      'execution.checkpointing.interval': `${random.pick([100, 200, 300, 600])}ms`,
      'execution.checkpointing.timeout': `${random.pick([300, 2_000, 10_000])}ms`,
      'execution.checkpointing.min-pause': `${random.pick([0, 0, 100])}ms`,
      'execution.checkpointing.num-retained': `${random.pick([1, 1, 2, 3])}`,
      'execution.checkpointing.tolerable-failed-checkpoints': `${random.pick([0, 0, 1, 5])}`,
      ...RESTARTS,
    },
    sameEpoch: random.pick([0, 0.5, 0.9]),
    faults,
    requests: makeRequests(random, horizon),
    faultsEnd: horizon + 500,
    restoreAt: random.chance(0.4) ? random.pick([1, 2, 3, 5, 8]) : null,
  };
}

/** What the operators of a slot may hold: with the least each batch of rows is spilled, with the most every few. */
const SMALL_BUDGETS = ['1b', '5kb', '8kb'];

/** The same stream with memory for a part of its state, and crashes while it is written and read. */
function makeSpilling(schedule: Schedule): Schedule {
  const random = new Random(schedule.seed, 'spilling');
  const faults = schedule.faults.map((fault) => atSpill(random, fault, schedule.taskManagers));
  const config = { ...schedule.config, [BUDGET]: random.pick(SMALL_BUDGETS) };
  return { ...schedule, config, faults, oneMachine: random.chance(0.5) };
}

/** A batch: short, often with fewer slots than subtasks, so that there are stages and waves of them. */
function makeBatch(seed: number): Schedule {
  const random = new Random(seed, 'batch');
  const parallelism = random.pick([1, 2, 3, 3, 4]);
  const slots = random.pick([1, 2, 2]);
  const taskManagers = random.chance(0.4) ? 1 : Math.ceil(parallelism / slots) + random.pick([0, 0, 1]);
  const rows = random.pick([30, 50, 80, 120]);
  const milliseconds = random.spread(20, 1_000);
  const kinds = KINDS.filter((kind) => random.chance(BATCH_SHARE[kind] ?? 0.3));
  const horizon = milliseconds + random.spread(50, 500);
  const faults = makeFaults(random, random.chance(0.05) ? [] : kinds, horizon, taskManagers, [3, 8, 16]).map((fault) =>
    atSpill(random, fault, taskManagers),
  );
  return {
    seed,
    workload: random.pick([0, 1, 2, 3, 3]),
    batch: true,
    oneMachine: random.chance(0.5),
    rows,
    rate: Math.ceil((rows / milliseconds) * 1_000),
    parallelism,
    taskManagers,
    slots,
    config: {
      ...RESTARTS,
      'execution.runtime-mode': 'BATCH',
      ...(random.chance(0.5) ? { [BUDGET]: random.pick(SMALL_BUDGETS) } : {}),
    },
    sameEpoch: random.pick([0, 0.5, 0.9]),
    faults,
    // It has nothing that a savepoint could hold, and its parallelism is its own affair: whoever asks is told so.
    requests: makeRequests(random, horizon).filter(({ type }) => type === 'rescale'),
    faultsEnd: horizon + 500,
    restoreAt: null,
  };
}

function makeFaults(
  random: Random,
  kinds: readonly Kind[],
  horizon: number,
  taskManagers: number,
  most = [2, 5, 12],
): Fault[] {
  if (kinds.length === 0) return [];
  const count = 1 + random.below(random.pick(most));
  return Array.from({ length: count }, () =>
    makeFault(random, random.pick(kinds), random.between(0, horizon), taskManagers),
  ).sort((a, b) => a.at - b.at);
}

function makeTarget(random: Random, taskManagers: number): Target {
  return random.chance(0.5) ? { kind: 'jobmanager' } : { kind: 'taskmanager', index: random.below(taskManagers) };
}

function makeFault(random: Random, type: Kind, at: number, taskManagers: number): Fault {
  const target = (): Target => makeTarget(random, taskManagers);
  switch (type) {
    case 'kill':
      return { at, type, target: target(), moment: makeMoment(random), vanish: random.chance(0.3) };
    case 'pause': {
      const ms = random.spread(50, 120_000);
      const successor = random.chance(0.7) ? random.spread(20, 3_000) : null;
      return { at, type, target: target(), moment: makeMoment(random), ms, successor };
    }
    case 'secondJobManager':
    case 'powerLoss':
      return { at, type };
    case 'breakLinks':
      return { at, type, target: target(), probability: random.pick([0.2, 0.5, 1]), silent: random.chance(0.3) };
    case 'partition':
      return { at, type, a: target(), b: target(), ms: random.spread(50, 10_000) };
    case 'slowNetwork':
      return { at, type, ms: random.spread(50, 3_000), times: random.spread(3, 300) };
    case 'slowDisk':
      return { at, type, ms: random.spread(50, 3_000), times: random.spread(3, 1_000) };
    case 'fullDisk':
      return { at, type, ms: random.spread(50, 2_000) };
    case 'diskErrors':
      return { at, type, ms: random.spread(50, 2_000), probability: random.spread(0.01, 0.5) };
    case 'lyingDisk':
      return { at, type, ms: random.spread(100, 4_000) };
    case 'staleEndpoints':
      return { at, type, ms: random.spread(100, 4_000), probability: random.pick([0.3, 0.9]) };
  }
}

const MOMENTS = [
  'rename',
  'link',
  'syncDirectory',
  'sync',
  'remove',
  'size',
  'list',
  'append',
  'create',
  'frame',
  'turn',
];

function makeMoment(random: Random): Moment | null {
  return random.chance(0.25) ? null : { label: random.pick(MOMENTS), count: random.below(random.pick([1, 3, 10])) };
}

/** `sync`: of a sink, when a task of the last stage ends. */
const SPILL_MOMENTS: readonly (TemporaryEvent | 'sync')[] = [
  'spillCreate',
  'spillAppend',
  'spillIndex',
  'spillRead',
  'sync',
];

/**
 * Half of the faults that hit a process hit a TaskManager in the middle of a write or a read of a temporary file, or a while behind: what a task that has
 * finished left is then lost with its TaskManager.
 */
function atSpill(random: Random, fault: Fault, taskManagers: number): Fault {
  if (!('moment' in fault) || random.chance(0.5)) return fault;
  const later = random.chance(0.5) ? random.spread(0.1, 50) : undefined;
  const moment = { label: random.pick(SPILL_MOMENTS), count: random.below(random.pick([1, 3, 10])), later };
  return { ...fault, at: fault.at / 2, target: { kind: 'taskmanager', index: random.below(taskManagers) }, moment };
}

function makeRequests(random: Random, horizon: number): Request[] {
  const requests: Request[] = [];
  const id = (): string =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(32, '0');
  for (let i = random.pick([0, 0, 1, 2]); i > 0; i--)
    requests.push({ at: random.between(0, horizon), type: 'savepoint', triggerId: id() });
  if (random.chance(0.2)) requests.push({ at: random.between(0, horizon), type: 'checkpoint', triggerId: id() });
  for (let i = random.pick([0, 0, 0, 1, 2]); i > 0; i--)
    requests.push({ at: random.between(0, horizon), type: 'rescale', parallelism: random.pick([1, 2, 3, 4]) });
  for (let i = random.pick([0, 0, 0, 1, 1, 2]); i > 0; i--)
    requests.push({
      at: random.between(0, horizon),
      type: 'upgrade',
      triggerId: id(),
      parallelism: random.pick([1, 2, 3, 4]),
    });
  return requests.sort((a, b) => a.at - b.at);
}
