// A stream takes another size while it runs: on the way up TaskManagers come first and the engine is asked once they have registered; on the way down the
// engine is asked first, and those TaskManagers go that it has left without work. What is decided stands in status before it is done, and every step asks the
// world how far it is, so that an operator that dies in between finishes the same step.
import type { VertexSizes } from '../api/autoscaling-status.ts';
import type { Attempt, Scaling } from '../api/status.ts';
import { firstTaskManagers, taskManagersOf } from '../api/task-managers.ts';
import { decidedVertices, whySized } from './autoscaled.ts';
import { shorten } from './conditions.ts';
import { engineOf, processesOf, timestamp } from './facts.ts';
import { idOf } from './ids.ts';
import type { Action, Bounds, Context, DecidedEvent, Report, StatusPatch } from './model.ts';
import type { EngineScale, EngineView } from './observation.ts';

/** How many TaskManagers and subtasks a job has. */
export interface Size {
  replicas: number;
  parallelism: number;
  /** Of vertices that are to have fewer. */
  vertices?: VertexSizes;
}

export interface RescaleStep {
  patch: StatusPatch;
  actions: Action[];
  events: DecidedEvent[];
  requeueAt?: number;
}

/** How long the engine may take, milliseconds: it takes a checkpoint first, and again where that fails. */
export const RESCALE_LIMIT = 300_000;
/** How long the engine may take to leave TaskManagers without work that it needs no more, milliseconds. Which ones, is for the engine to say. */
export const DRAIN_LIMIT = 60_000;
/** A checkpoint that comes too early for the engine is followed by another no sooner than after this, milliseconds. */
const CHECKPOINT_EVERY = 1_000;
/** For so long an engine that has stopped its tasks has done so to rescale. Milliseconds. */
const TASKS_STOPPED = 60_000;
/** Milliseconds between looks at an engine that is at it: nobody tells when it is done. */
const LOOK_AGAIN = 100;

const nothing = (parts: Partial<RescaleStep> = {}): RescaleStep => ({ patch: {}, actions: [], events: [], ...parts });

function sizeOf(c: Context, { taskManager, job }: Context['desired']): Size {
  const vertices = decidedVertices(c);
  return {
    replicas: taskManager.replicas,
    parallelism: job.parallelism,
    ...(vertices === undefined ? {} : { vertices }),
  };
}

const same = (a: Size, b: Size): boolean =>
  a.replicas === b.replicas && a.parallelism === b.parallelism && sameVertices(a.vertices, b.vertices);

const sameVertices = (a: VertexSizes = [], b: VertexSizes = []): boolean => {
  const sizes = new Map(b.map(({ id, parallelism }) => [id, parallelism]));
  return a.length === b.length && a.every(({ id, parallelism }) => sizes.get(id) === parallelism);
};

/** What the job is to have while it goes on as the version that it is; null when it has that. */
export function wantedSize(c: Context): Size | null {
  const { kind } = c.change;
  if (kind === 'Scale') return sizeOf(c, c.desired);
  const { scaling, accepted, attempt } = c.status;
  if (accepted === undefined) return null;
  if (scaling === undefined)
    return kind === 'None' && !sameVertices(attempt?.vertices, decidedVertices(c)) ? sizeOf(c, accepted.spec) : null;
  // Another version is asked for that cannot take over yet: what was begun is finished.
  if (kind !== 'None') return scaling.failure === undefined ? scaling : null;
  return sizeOf(c, accepted.spec);
}

/** One step towards it, of a job in state Running. Null: nothing is to be rescaled. */
export function rescaleStep(c: Context, attempt: Attempt): RescaleStep | null {
  const size = wantedSize(c);
  if (size === null) return null;
  const { scaling } = c.status;
  if (scaling === undefined || !same(scaling, size)) return begin(c, attempt, size);
  // Where another run would help, the change is one that asks for it by now.
  return scaling.failure === undefined ? goOn(c, attempt, scaling) : null;
}

function begin(c: Context, attempt: Attempt, size: Size): RescaleStep {
  const has = taskManagersOf(attempt, c.status.accepted?.spec.taskManager.replicas ?? 1);
  const taskManagers = [...has, ...unused(c, attempt, has, size.replicas - has.length)];
  const why =
    whySized(c) ?? (c.change.kind === 'Scale' ? `${c.change.paths.join(', ')} changed` : 'The change was taken back');
  return nothing({
    patch: { scaling: stepOf(c, size, 'Starting'), attempt: { ...attempt, taskManagers } },
    events: [event('Rescaling', `${why}: the job goes on, and takes ${text(size)} while it runs.`)],
    requeueAt: c.now,
  });
}

const stepOf = (c: Context, { replicas, parallelism, vertices }: Size, step: Scaling['step']): Scaling => ({
  replicas,
  parallelism,
  ...(vertices === undefined ? {} : { vertices }),
  step,
  since: timestamp(c.now),
});

/** Indexes that no process of the attempt has had, as far as that is on record: what is left of one that is going is no part of the next. */
function unused(c: Context, attempt: Attempt, has: readonly number[], count: number): number[] {
  const taken = new Set([...has, ...processesOf(c, attempt, 'TaskManager').map(({ index }) => index)]);
  const found: number[] = [];
  for (let index = 0; found.length < count; index++) if (!taken.has(index)) found.push(index);
  return found;
}

function goOn(c: Context, attempt: Attempt, scaling: Scaling): RescaleStep {
  const engine = engineOf(c, attempt);
  const scale = engine?.scale;
  const since = Date.parse(scaling.since);
  const limit = RESCALE_LIMIT + (scale?.waits?.upTo ?? 0);
  const late = c.now - since >= limit && engine?.status === 'RUNNING';
  if (engine !== null && scale === undefined && late)
    return fail(scaling, 'the engine does not say how large the job is');
  if (engine === null || scale === undefined || engine.status === 'INITIALIZING') return nothing();
  if (scale.refusal !== null) return fail(scaling, `the engine does not take it: ${scale.refusal}`);
  const indexes = taskManagersOf(attempt, scaling.replicas);
  const wanted = new Map(scale.vertices.map((vertex) => [vertex.id, parallelismOf(vertex, scaling)]));
  const registered = scale.taskManagers.filter(({ index }) => index !== undefined && indexes.includes(index));
  const slots = registered.reduce((sum, one) => sum + one.slots, 0);
  const requeueAt = c.now + LOOK_AGAIN;
  // The engine takes slots of TaskManagers that are ending, too, as long as they are registered.
  const ending = scale.taskManagers.some(({ index }) => index !== undefined && !indexes.includes(index));
  if (ending) return takeBack(c, attempt, scaling, indexes) ?? nothing({ requeueAt });
  if (slots < Math.max(...wanted.values())) return nothing();

  const asked = scale.vertices.every(({ id, upperBound }) => upperBound === wanted.get(id));
  const begun = scaling.step !== 'Starting';
  if (!asked || !begun)
    return nothing({
      patch: begun ? {} : { scaling: stepOf(c, scaling, 'Rescaling') },
      actions: asked ? [] : [{ kind: 'Rescale', jobId: attempt.jobId, bounds: boundsOf(wanted) }],
      requeueAt,
    });
  const has = scale.vertices.every(({ id, parallelism, running }) => running && parallelism === wanted.get(id));
  if (!has || engine.status !== 'RUNNING') {
    if (late) return fail(scaling, `the engine has not taken it within ${Math.ceil(limit / 60_000)} minutes`);
    return nothing({ actions: checkpoint(c, attempt, scaling, engine), requeueAt });
  }
  const surplus = indexes.length - scaling.replicas;
  if (surplus === 0) return done(c, attempt, scaling, undefined);
  const idle = idleOf(indexes, scale);
  if (idle.length < surplus) {
    if (scaling.step !== 'Draining') return nothing({ patch: { scaling: stepOf(c, scaling, 'Draining') }, requeueAt });
    return c.now - since < DRAIN_LIMIT ? nothing({ requeueAt }) : fail(scaling, spread(indexes.length - idle.length));
  }
  const gone = new Set(idle.slice(0, surplus));
  const taskManagers = indexes.filter((index) => !gone.has(index));
  // It goes on until the engine has them no more: an operator that dies here has to look again before it stops them.
  return { ...done(c, { ...attempt, taskManagers }, scaling, stepOf(c, scaling, 'Draining')), requeueAt };
}

/**
 * Those that were to go for want of work, and were given some before they were stopped: the tasks were lost elsewhere meanwhile, and began again where there
 * were slots. They belong to the attempt again, and those go that have no work by now.
 */
function takeBack(c: Context, attempt: Attempt, scaling: Scaling, indexes: readonly number[]): RescaleStep | null {
  const working = atWork(c, attempt, indexes);
  if (working.length === 0) return null;
  return nothing({
    patch: {
      attempt: { ...attempt, taskManagers: [...indexes, ...working] },
      ...(scaling.step === 'Draining' ? { scaling: stepOf(c, scaling, 'Rescaling') } : {}),
    },
    requeueAt: c.now + LOOK_AGAIN,
  });
}

/** Of TaskManagers other than `keep` those that have tasks; one that is ending has them no longer, whatever is decided. */
function atWork(c: Context, attempt: Attempt, keep: readonly number[]): number[] {
  const ending = processesOf(c, attempt, 'TaskManager').filter(({ deleted }) => deleted !== undefined);
  return (engineOf(c, attempt)?.scale?.taskManagers ?? []).flatMap(({ index, slots, freeSlots }) =>
    index === undefined || keep.includes(index) || freeSlots === slots || ending.some((one) => one.index === index)
      ? []
      : [index],
  );
}

const spread = (working: number): string =>
  `the engine keeps work on ${working} TaskManagers, as many as it likes, and does not move running tasks`;

/**
 * An engine that goes on behind a checkpoint, and does not take one itself, would wait for the next of its interval, and what was done since the last would be
 * done again. The id names the second, so that what is asked again within it is the same checkpoint.
 */
function checkpoint(c: Context, { jobId, epoch }: Attempt, { since }: Scaling, engine: EngineView): Action[] {
  const { scale, status } = engine;
  if (scale?.waits?.checkpointing !== false || status !== 'RUNNING') return [];
  if (!scale.vertices.every(({ running }) => running)) return [];
  const triggerId = idOf(jobId, epoch, 'rescale', since, Math.floor(c.now / CHECKPOINT_EVERY));
  return [{ kind: 'TriggerCheckpoint', jobId, triggerId }];
}

/** A vertex that may have few subtasks alone has those. */
const parallelismOf = (vertex: EngineScale['vertices'][number], { parallelism, vertices }: Size): number =>
  Math.min(vertices?.find(({ id }) => id === vertex.id)?.parallelism ?? parallelism, vertex.maxParallelism);

/** Fewer are better than none while a TaskManager is away. */
const boundsOf = (wanted: ReadonlyMap<string, number>): Record<string, Bounds> =>
  Object.fromEntries([...wanted].map(([id, upperBound]) => [id, { lowerBound: 1, upperBound }]));

/** TaskManagers without work, the first to go first: those that the engine does not have, then those of which all slots are free, the highest before others. */
function idleOf(indexes: readonly number[], { taskManagers }: EngineScale): number[] {
  const descending = [...indexes].sort((a, b) => b - a);
  const registered = new Map(taskManagers.map((one) => [one.index, one]));
  const missing = descending.filter((index) => !registered.has(index));
  const free = descending.filter((index) => {
    const one = registered.get(index);
    return one !== undefined && one.freeSlots === one.slots;
  });
  return [...missing, ...free];
}

/** `left`: what is left to be done. */
function done(c: Context, attempt: Attempt, scaling: Scaling, left: Scaling | undefined): RescaleStep {
  const { accepted } = c.status;
  const sized = resized(c, scaling);
  const { vertices: before, ...rest } = attempt;
  const { vertices } = scaling;
  const changed = sized !== accepted || !sameVertices(before, vertices);
  return nothing({
    patch: {
      attempt: vertices === undefined ? rest : { ...rest, vertices },
      scaling: left,
      accepted: sized,
      parallelism: scaling.parallelism,
    },
    events: changed ? [event('Rescaled', `The job runs with ${text(scaling)}; it was rescaled while it ran.`)] : [],
  });
}

/** The accepted version in another size; the same object when it has that. */
export function resized(c: Context, { replicas, parallelism }: Size): Context['status']['accepted'] {
  const { accepted } = c.status;
  if (accepted === undefined) return undefined;
  const { spec, generation } = accepted;
  if (spec.taskManager.replicas === replicas && spec.job.parallelism === parallelism) return accepted;
  return {
    ...accepted,
    generation: c.change.kind === 'Scale' ? c.job.metadata.generation : generation,
    spec: {
      ...spec,
      job: { ...spec.job, parallelism },
      taskManager: { ...spec.taskManager, replicas },
    },
  };
}

/** It is put on record; the change counts as one that needs another run from then on. */
function fail(scaling: Scaling, failure: string): RescaleStep {
  return nothing({ patch: { scaling: { ...scaling, failure: shorten(failure) } } });
}

/**
 * The next attempt of a run that was rescaled, or is to be: all its processes start anew, so it starts in the size that is wanted. What the engine may have of
 * it stands in the checkpoint that it goes on from, which may be older: that is seen to once it runs.
 */
export function nextSize(c: Context, attempt: Attempt): { attempt: Attempt; patch: StatusPatch } {
  const size = wantedSize(c);
  const { taskManagers: _old, ...rest } = attempt;
  if (size === null && attempt.taskManagers === undefined) return { attempt, patch: {} };
  const accepted = c.status.accepted;
  if (accepted === undefined) return { attempt: rest, patch: {} };
  const { replicas, parallelism, vertices } = size ?? sizeOf(c, accepted.spec);
  return {
    attempt: { ...rest, taskManagers: firstTaskManagers(replicas) },
    patch: {
      accepted: resized(c, { replicas, parallelism }),
      parallelism,
      scaling: stepOf(c, { replicas, parallelism, ...(vertices === undefined ? {} : { vertices }) }, 'Starting'),
    },
  };
}

/** Asks those to end that the job was rescaled without. As long as the rescaling goes on, what the engine says of them is asked first. */
export function surplusTaskManagers(c: Context, attempt: Attempt): Action[] {
  const { taskManagers: keep } = attempt;
  if (keep === undefined) return [];
  // What is on record of one that has ended is none: nothing is left to be stopped.
  const left = processesOf(c, attempt, 'TaskManager').some(
    ({ index, state }) => state === 'Running' && !keep.includes(index),
  );
  const { scaling } = c.status;
  if (scaling !== undefined && scaling.failure === undefined) {
    const engine = engineOf(c, attempt);
    // An engine whose tasks do not run gives them to whom it has slots of, at any moment.
    if (engine?.scale === undefined || engine.status !== 'RUNNING' || atWork(c, attempt, keep).length > 0) return [];
  }
  return left ? [{ kind: 'StopTaskManagers', epoch: attempt.epoch, keep }] : [];
}

/**
 * How the job is meanwhile: it runs, and does what it did before. Null: as one that is not rescaled is reported, which is so when it has lost more than the
 * change explains. `missing`: what is told of processes that are not there.
 */
export function reportOfRescale(c: Context, engine: EngineView | null, missing: Report | null): Report | null {
  const { scaling, accepted, attempt } = c.status;
  if (scaling === undefined || scaling.failure !== undefined || engine === null || accepted === undefined) return null;
  const { vertices = [] } = attempt ?? {};
  const hasNow = scaling.step === 'Draining' ? scaling : { ...sizeOf(c, accepted.spec), vertices };
  const waits = missing === null ? '' : ` It waits: ${missing.message}`;
  const report: Report = {
    kind: 'Ready',
    reason: 'Rescaling',
    message: shorten(`The job runs, and takes ${text(scaling)} while it does.${waits}`),
  };
  if (scaling.step === 'Rescaling') {
    const stopped = TASKS_STOPPED + (engine.scale?.waits?.upTo ?? 0);
    return missing === null && c.now - Date.parse(scaling.since) < stopped ? report : null;
  }
  const whole = engine.scale?.vertices.every(
    (vertex) => vertex.running && vertex.parallelism >= parallelismOf(vertex, hasNow),
  );
  return engine.status === 'RUNNING' && whole !== false ? report : null;
}

/** What is told of a job that runs on in the size that it has; empty where nothing went wrong. */
export function notRescaled({ status: { scaling } }: Context): string {
  return scaling?.failure === undefined ? '' : ` It could not take ${text(scaling)}: ${scaling.failure}.`;
}

const text = ({ replicas, parallelism }: Size): string =>
  `parallelism ${parallelism} on ${replicas} TaskManager${replicas === 1 ? '' : 's'}`;

const event = (reason: 'Rescaling' | 'Rescaled', message: string): DecidedEvent => ({
  savepoint: null,
  type: 'Normal',
  reason,
  message,
});
