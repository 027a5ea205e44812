// The port "where the command line works": an operator's folder on this machine, or a namespace of a Kubernetes cluster. Commands know no more of the two
// than stands here.
import type { Journal } from '../autoscaler/journal.ts';
import type { ObjectKey } from '../api/object.ts';
import type { CheckpointsAnswer } from '../engine-client/answers.ts';
import type { AnyObject, ApplyOutcome, Objects, Store } from '../store/port.ts';

/** What a file says: an object of ours, or of another kind where the place has others. */
export interface AnyManifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  [field: string]: unknown;
}

export interface LogRequest {
  job: string;
  /** `jobmanager`, `taskmanager-1`, `taskmanager` for all of them, `all`. */
  role: string;
  /** Absent: the one that the job runs in, or ran in last. */
  epoch: number | undefined;
  /** The process before: of the same place in this attempt, else of the attempt before. */
  previous: boolean;
  follow: boolean;
}

export interface ApplyOptions {
  dryRun: boolean;
  /** Take fields that another manager set. */
  force: boolean;
}

export interface CheckOptions extends Omit<ApplyOptions, 'dryRun'> {
  /** All that is applied together. */
  siblings: readonly AnyManifest[];
}

export interface Applied {
  /** What it is called: `flowjob/orders`. */
  id: string;
  outcome: ApplyOutcome;
  /** What people are told besides: empty, or with what joins it to the outcome in front. */
  note: string;
}

export interface Place {
  /** For messages: `the folder .flowjob`, `namespace default of context "kind"`. */
  readonly name: string;
  /** How the command line is called to work here: for hints. */
  readonly command: string;
  /** Of objects that are named without one. */
  readonly namespace: string;
  readonly store: Store;

  /** For another namespace; null: for reading in all of them. */
  storeIn(namespace: string | null): Store;
  /** What to tell who reads here, when it may have become old. */
  staleness(): string | null;
  /** Why nobody acts on what is written here; null when somebody does, or when that cannot be told from here. */
  idleness(): string | null;

  /** Throws InvalidObjectError when nothing of that kind can be applied here. */
  recognize(manifest: unknown): void;
  /** What apply would do, checked in full, written nowhere: every complaint, and the object if it is one of ours. */
  check(manifest: AnyManifest, options: CheckOptions): Promise<{ complaints: string[]; object: AnyObject | null }>;
  /** Answers what it is called and what became of it. */
  apply(manifest: AnyManifest, options: ApplyOptions): Promise<Applied>;
  /** Deletes what is not of our kinds, if it is there. Answers what it is called; null when it was not there. */
  deleteOther(manifest: AnyManifest): Promise<string | null>;

  logs(request: LogRequest, print: (line: string) => void, signal: AbortSignal): Promise<void>;
  /** From the engine of a job that runs: an error is told as text, null means that nothing runs. */
  checkpoints(job: Objects['FlowJob']): Promise<CheckpointsAnswer | string | null>;
  /** What the autoscaler has seen and decided of a job: its own record, else a look from here. Null: nothing is known. */
  autoscaling(job: Objects['FlowJob']): Promise<Journal | null>;
  /** A folder that this program can read with the files of a savepoint at `path`. Throws CommandError when there is none. */
  readable(path: string, savepoint: Objects['FlowSavepoint']): Promise<string>;

  /** An error of this place's as a CommandError that says what to do; every other as it is. */
  explain(error: unknown): unknown;

  close(): Promise<void>;
}

export function keyIn(place: Pick<Place, 'namespace'>, name: string): ObjectKey {
  return { namespace: place.namespace, name };
}
