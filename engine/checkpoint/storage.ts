// The contract of checkpoint storage: attempts, task state, manifests, results. object-checkpoint-storage.ts implements it.
import type { AcquiredAttempt, Attempt } from './attempt.ts';
import type { FoundState } from './found-state.ts';
import type { Committable, SourceSplit } from '../connectors/connector.ts';
import type { OperatorRestore, OperatorSnapshot } from '../operators/operator.ts';

/**
 * A file that one subtask wrote for one checkpoint: of sections, in the checkpoint's directory (state-file.ts), or of pages, in the folder `shared` beside
 * it, where pages may be referred to that earlier checkpoints have written (page-file.ts). Savepoints have sections: nothing of them is elsewhere.
 */
export interface TaskStateHandle {
  vertexId: string;
  subtask: number;
  path: string;
  length: number;
  /** crc32 of the file's index, which holds a crc32 per section or page. */
  indexCrc32: number;
  /** Set for a file of pages: names of all files with pages of this checkpoint, this one first. */
  pages?: { files: string[] };
  /** Of the whole file, in hex; checked by who reads all of it. Version 1 had none. */
  sha256?: string;
  operators: {
    operatorId: string;
    stateSchema: unknown;
    keyedBytes: number;
    keyGroups: number[];
    /** Number of entries of union state. Version 1 did not tell it. */
    unionEntries?: number;
  }[];
}

/** The version of the format that this engine writes. It reads all from 1 on. */
export const MANIFEST_VERSION = 2;

export interface OperatorManifest {
  operatorId: string;
  uid: string;
  name: string;
  vertexId: string;
  parallelism: number;
}

/** What a checkpoint or savepoint consists of. Written last: it exists iff the checkpoint is complete. */
export interface Manifest {
  /** Of the folder that it was read from; writers write MANIFEST_VERSION. docs/reference/savepoint-format.md has the versions. */
  formatVersion: 1 | 2;
  kind: 'CHECKPOINT' | 'SAVEPOINT';
  jobId: string;
  jobName: string;
  checkpointId: number;
  /** Of the attempt that has written it. */
  epoch: number;
  /** Absent: 0. */
  restart?: number;
  /** Milliseconds since the epoch. */
  triggerTimestamp: number;
  maxParallelism: number;
  operators: OperatorManifest[];
  files: TaskStateHandle[];
  /** Per source operator: splits not yet handed out, and those in progress with their positions. */
  sources: { operatorId: string; splits: SourceSplit[] }[];
  /** Made visible after this manifest is published, and again on every restore from it. */
  committables: Committable[];
  /**
   * Rows and bytes per table from the job's start to this checkpoint (`source.<table>.rows`, `sink.<table>.rows`, `sink.<table>.bytes`): a later
   * attempt of the same job counts on from them. Manifests of earlier versions have none.
   */
  counters?: Record<string, number>;
  /**
   * Bounds of the parallelism per vertex id that the job was asked to keep to when the checkpoint was taken: a later attempt of the same job keeps to them.
   * Manifests of earlier versions have none.
   */
  requirements?: Record<string, { lowerBound: number; upperBound: number }>;
  /** True when all sources had ended and this checkpoint only commits: nothing is left to run. */
  endOfInput: boolean;
}

/** What takes an attempt throws FENCED, and changes nothing, when another attempt has the state. */
export interface CheckpointStorage {
  /**
   * Takes the state for an attempt: whatever earlier attempts do from now on counts for nothing, what they have decided is complete. Of an epoch that was
   * taken before this is the next restart. `owner` tells people who it is. Throws EngineError FENCED when a higher epoch was taken.
   */
  acquireAttempt(epoch: number, owner: string): Promise<AcquiredAttempt>;
  /** Who has the state; null when nobody took it yet. */
  currentAttempt(): Promise<Attempt | null>;
  /** Throws EngineError FENCED unless the attempt has the state. */
  assertAttempt(attempt: AcquiredAttempt): Promise<void>;

  /** Directory of checkpoint `id` of a job: `checkpoints/<jobId>/chk-<id>`. */
  checkpointPath(jobId: string, checkpointId: number): string;
  /** Directory of a savepoint, decided by its trigger id alone, so that the repeated call is the same call. */
  savepointPath(jobId: string, triggerId: string, targetDirectory?: string): string;
  /** Directories of the completed savepoints of a trigger id: its own, and those with `-<attempt>` behind it. */
  findSavepoints(jobId: string, triggerId: string): Promise<string[]>;
  /** Writes one subtask's sections, durably. Returns its handle. `attempt` is the tag of the attempt. */
  writeTaskState(
    directory: string,
    task: { vertexId: string; subtask: number; attempt: string },
    snapshots: OperatorSnapshot[],
  ): Promise<TaskStateHandle>;
  /** Writes a file of pages for a checkpoint, durably, into the folder that the checkpoints of its job share. */
  writePages(directory: string, name: string, parts: Iterable<Uint8Array>): Promise<void>;
  /**
   * Removes the files of pages that no checkpoint refers to and none will: those of earlier attempts, and of this one up to checkpoint `through`. Throws
   * FENCED.
   */
  sweepPages(attempt: AcquiredAttempt, jobId: string, through: number): Promise<void>;
  /**
   * Makes a checkpoint or savepoint complete: for everybody, or (FENCED, or any other error) for nobody. Throws STORAGE_UNCERTAIN when that is not known or
   * the rest has to be done by the next process: this one must end. A directory has one manifest, ever.
   */
  publishManifest(attempt: AcquiredAttempt, directory: string, manifest: Manifest): Promise<void>;
  /** Throws EngineError SAVEPOINT_NOT_FOUND or SAVEPOINT_CORRUPT that names file and reason. */
  readManifest(directory: string): Promise<Manifest>;
  /** Reads the sections of one operator for key groups start..end (inclusive) and all its union entries; every crc is checked. */
  readOperatorState(
    directory: string,
    manifest: Manifest,
    operatorId: string,
    range: { start: number; end: number },
  ): Promise<OperatorRestore | null>;
  /** Completed checkpoints of a job, newest first. Throws SAVEPOINT_CORRUPT that names the file when the newest is damaged or gone. */
  listCheckpoints(jobId: string): Promise<{ checkpointId: number; path: string }[]>;
  /**
   * Removes a checkpoint or savepoint with its directory: manifest first. For what is complete and superseded, or not wanted by its owner. Not an error
   * when it is gone.
   */
  dispose(directory: string): Promise<void>;
  /**
   * Removes all that is left of the checkpoints of a job, and of savepoints that were not completed, whoever has written it. For a job that has ended, from
   * whose checkpoints nothing will be restored. Throws FENCED.
   */
  removeCheckpoints(attempt: AcquiredAttempt, jobId: string): Promise<void>;
  /** Removes what an attempt has written for a checkpoint that it has given up, and nothing of any other. */
  discard(directory: string, attempt: Attempt): Promise<void>;
  /**
   * Keeps where the sinks of a job write, by operator id, beside what was kept before. Checkpoints and savepoints do not say it, so that they can be
   * carried elsewhere; a later job with another text has to find what this one may leave behind. To be called before the attempt writes anything.
   */
  recordOutputs(attempt: AcquiredAttempt, jobId: string, outputs: Readonly<Record<string, string>>): Promise<void>;
  /** All places where the sinks of a job have written, by operator id; none of a job whose state is elsewhere. */
  readOutputs(jobId: string): Promise<ReadonlyMap<string, string[]>>;
  /** Removes what earlier attempts wrote for checkpoints that they did not complete. To be called before the attempt writes any. */
  removeOrphans(attempt: AcquiredAttempt, jobId: string): Promise<void>;

  /** How a job ended, written once (Flink's JobResultStore): a finished job is not run again after a restart. Throws JOB_RESULT_EXISTS. */
  writeJobResult(attempt: AcquiredAttempt, result: JobResult): Promise<void>;
  readJobResult(jobId: string): Promise<JobResult | null>;

  /** What state any job has left here; null when none has. Removed on purpose (`markRemoved`) is not left. */
  findState(): Promise<FoundState | null>;
  /** The state that is here now is removed on purpose: savepoints that stay can be restored by their path, and count as nobody's state. */
  markRemoved(): Promise<void>;
}

export interface JobResult {
  jobId: string;
  state: 'FINISHED' | 'FAILED' | 'CANCELED';
  startTime: number;
  endTime: number;
  /** Root cause for people; null unless FAILED. */
  failure: string | null;
  /** Set when a stop-with-savepoint ended the job. */
  savepointPath: string | null;
  /** Per sink table rows and bytes written, per source table rows read; and vertices' totals. */
  summary: Record<string, unknown>;
}
