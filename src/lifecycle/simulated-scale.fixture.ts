// How the simulated engine rescales: what it says of its size, who has tasks, and when it stops them to start others.
import type { FlowJobSpec } from '../api/flowjob.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { Manner } from './simulated-model.fixture.ts';
import type { EngineScale, EngineView, ProcessView } from './observation.ts';

export interface ScalableEngine {
  epoch: number;
  status: EngineView['status'];
  /** What it was asked for, and what it has. */
  upperBound: number;
  parallelism: number;
  /** TaskManagers that its tasks were given to when they started. */
  at: readonly number[];
  /** Its tasks have been stopped for another parallelism. */
  rescaling: boolean;
}

/** Indexes of the engine's TaskManagers. */
export const registered = (processes: readonly ProcessView[], epoch: number): number[] =>
  processes
    .filter((p) => p.role === 'TaskManager' && p.state === 'Running' && p.epoch === epoch)
    .map(({ index }) => index)
    .sort((a, b) => a - b);

/** Of those the ones that have tasks: the fewest that have the slots, or all. Tasks that run stay where they are, whoever registers beside them. */
export function working(
  { parallelism, at }: ScalableEngine,
  indexes: readonly number[],
  slots: number,
  { spreads }: Manner,
): number[] {
  if (spreads) return [...indexes];
  const others = indexes.filter((index) => !at.includes(index));
  return [...at.filter((index) => indexes.includes(index)), ...others].slice(0, Math.ceil(parallelism / slots));
}

/** The tasks start where there are slots, the lowest first. */
function start(engine: ScalableEngine, parallelism: number, indexes: readonly number[], slots: number): void {
  engine.status = 'RUNNING';
  engine.parallelism = parallelism;
  engine.at = indexes.slice(0, Math.ceil(parallelism / slots));
}

/** So long the engine waits for all slots that it was asked to use; then it makes do with those that are there. Milliseconds. */
const STABILIZATION = 10_000;

/** Lost tasks start again once the slots are there, or some of them after a while. */
export function comeBack(engine: ScalableEngine, indexes: readonly number[], slots: number, waited: number): void {
  const possible = Math.min(engine.upperBound, indexes.length * slots);
  if (possible === engine.upperBound || (possible > 0 && waited >= STABILIZATION))
    start(engine, possible, indexes, slots);
}

/** One vertex that takes any parallelism, one that takes 1 alone. */
export function scaleView(
  engine: ScalableEngine,
  indexes: readonly number[],
  slots: number,
  refusal: string | null,
  manner: Manner,
): EngineScale {
  const { upperBound, parallelism } = engine;
  const running = engine.status === 'RUNNING';
  const busy = working(engine, indexes, slots, manner);
  return {
    refusal,
    vertices: [
      { id: 'wide', parallelism, maxParallelism: 128, upperBound, running },
      { id: 'single', parallelism: 1, maxParallelism: 1, upperBound: 1, running },
    ],
    taskManagers: indexes.map((index) => ({ index, slots, freeSlots: busy.includes(index) ? slots - 1 : slots })),
    ...(manner.behindCheckpoints ? { waits: { checkpointing: false, upTo: 5_000 } } : {}),
  };
}

/** It takes what it may have and has slots for: it stops its tasks, behind a checkpoint that `checkpoint` takes, and starts others. */
export function rescale(
  engine: ScalableEngine,
  indexes: readonly number[],
  slots: number,
  checkpoint: () => void,
): void {
  const possible = Math.min(engine.upperBound, indexes.length * slots);
  if (engine.rescaling) {
    engine.rescaling = false;
    start(engine, Math.max(1, possible), indexes, slots);
  } else if (possible > 0 && possible !== engine.parallelism && engine.status === 'RUNNING') {
    checkpoint();
    engine.rescaling = true;
    engine.status = 'RESTARTING';
  }
}

/** Asks them to end; what is wrong with that. */
export function stopAll(
  processes: readonly (ProcessView & { stopping: boolean })[],
  busy: readonly number[],
): string[] {
  const wrong = processes.filter(
    ({ index, state, stopping }) => state === 'Running' && !stopping && busy.includes(index),
  );
  for (const process of processes) if (process.state === 'Running') process.stopping = true;
  return wrong.map(({ index }) => `TaskManager ${index} was stopped, and has tasks`);
}

/** Nothing that is run differs but how many run it. */
export function sameButSize(accepted: ResolvedFlowJobSpec, spec: FlowJobSpec): boolean {
  const run = ({ job, taskManager, ...rest }: FlowJobSpec): string => {
    const { deletionPolicy: _policy, upgrade: _upgrade, batch: _batch, ...others } = rest;
    return JSON.stringify([others, job.sql, { ...taskManager, replicas: 0 }]);
  };
  return run(accepted) === run(spec);
}
