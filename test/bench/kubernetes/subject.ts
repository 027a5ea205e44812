// The operator under test, as the benchmark of pods sees it. FlowJob's is `flowjob-subject.ts`; another operator is measured by writing another of these.
import type { KubeObject, Manifest, Resource } from '../../../src/kube/object.ts';

/** One stream on the cluster. Times are Date.now() of this machine, whose clock the nodes share or keep in step with. */
export interface TasksView {
  /** Every task runs, by the engine's own REST API. */
  running: boolean;
  /** When the task that was started last began, milliseconds since the epoch. */
  startedAt: number;
}

export interface Subject {
  /** The resource that people apply. */
  readonly resource: Resource;
  /** A stream of `rate` rows per second that never ends; `version` is written into each row. Checkpoints every 500 ms. */
  stream(name: string, version: number): Manifest;
  /** The operator's word: what was applied last runs. */
  saysRunning(object: KubeObject): boolean;
  /** The engine's word; null while no JobManager answers. */
  tasks(name: string): Promise<TasksView | null>;
  /** Names of the pods that exist now, of one role. */
  pods(name: string, role: 'jobmanager' | 'taskmanager'): Promise<string[]>;
  /** Of the rows that were written with each version: when the first and the last became visible to readers, milliseconds since the epoch. */
  visible(name: string): Promise<Map<number, { first: number; last: number }>>;
}
