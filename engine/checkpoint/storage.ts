// The contract of checkpoint storage: attempt epochs, task state files, manifests. `local-storage.ts` implements it on a folder.
import type { Attempt } from './attempt.ts';
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
  epoch: number;
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

/** Thrown with code `FENCED` when a higher attempt epoch exists. */
export interface CheckpointStorage {
  /** Takes an attempt epoch by conditional create. Throws EngineError FENCED when this epoch or a higher one was taken. */
  acquireEpoch(epoch: number, owner: string): Promise<void>;
  /** The highest epoch taken so far, 0 when none. */
  currentEpoch(): Promise<number>;
  /** Throws EngineError FENCED unless `epoch` is the highest. */
  assertEpoch(epoch: number): Promise<void>;

  /** Directory of checkpoint `id` of a job: `checkpoints/<jobId>/chk-<id>`. */
  checkpointPath(jobId: string, checkpointId: number): string;
  /** Directory of a savepoint, decided by its trigger id alone, so that the repeated call is the same call. */
  savepointPath(jobId: string, triggerId: string, targetDirectory?: string): string;
  /** Writes one subtask's sections, fsynced. Returns its handle. */
  writeTaskState(
    directory: string,
    task: { vertexId: string; subtask: number; epoch: number },
    snapshots: OperatorSnapshot[],
  ): Promise<TaskStateHandle>;
  /** Writes a file of pages for a checkpoint, durably, into the folder that the checkpoints of its job share. */
  writePages(directory: string, name: string, parts: Iterable<Uint8Array>): Promise<void>;
  /**
   * Removes files of pages that no checkpoint refers to: those whose names are not in `keep`, unless an attempt may still need them that is later than
   * `attempt`, or one of its own checkpoints after the one numbered `through`.
   */
  sweepPages(jobId: string, keep: ReadonlySet<string>, attempt: Attempt, through: number): Promise<void>;
  /** Checks the epoch, then publishes by atomic rename; throws FENCED and publishes nothing when the epoch is not the highest. */
  publishManifest(directory: string, manifest: Manifest): Promise<void>;
  /** Throws EngineError SAVEPOINT_NOT_FOUND or SAVEPOINT_CORRUPT that names file and reason. */
  readManifest(directory: string): Promise<Manifest>;
  /** Reads the sections of one operator for key groups start..end (inclusive) and all its union entries; every crc is checked. */
  readOperatorState(
    directory: string,
    manifest: Manifest,
    operatorId: string,
    range: { start: number; end: number },
  ): Promise<OperatorRestore | null>;
  /** Completed checkpoints of a job, newest first. */
  listCheckpoints(jobId: string): Promise<{ checkpointId: number; path: string }[]>;
  /** Removes a checkpoint's or savepoint's directory: manifest first. Not an error when it is gone. */
  dispose(directory: string): Promise<void>;

  /** How a job ended, written once (Flink's JobResultStore): a finished job is not run again after a restart. */
  writeJobResult(jobId: string, result: JobResult): Promise<void>;
  readJobResult(jobId: string): Promise<JobResult | null>;
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
