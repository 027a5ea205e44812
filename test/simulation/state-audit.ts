// Looks into storage as nobody hinders it: what is complete must be there, whole, at every moment. A checkpoint is not superseded by an older one, as many
// stay as are to be kept, and nothing is decided by an attempt once a later one has the state.
import type { LogEntry } from '../../engine/checkpoint/attempt-log.ts';
import { attemptTag, compareAttempts } from '../../engine/checkpoint/attempt.ts';
import type { CheckpointStorage, Manifest } from '../../engine/checkpoint/storage.ts';

const decoder = new TextDecoder();

export class StateAudit {
  readonly violations: string[] = [];
  private readonly storage: CheckpointStorage;
  /** The newest completed checkpoint of a job that was seen. */
  private newest: { jobId: string; checkpointId: number } | null = null;
  private readonly retained: number;
  /** The entry of the log that counts. */
  private last: LogEntry | null = null;
  /** Checkpoints that were decided on, oldest first, of the job of the last one. */
  private decided: number[] = [];

  /** `storage` answers at once. `retained`: how many checkpoints are to be kept. */
  constructor(storage: CheckpointStorage, retained: number) {
    this.storage = storage;
    this.retained = retained;
  }

  /** An entry of the log has got its name. One below the highest is late, and counts for nobody. */
  logged(bytes: Uint8Array): void {
    const entry = JSON.parse(decoder.decode(bytes).slice(9)) as LogEntry;
    const { last } = this;
    if (last !== null && entry.seq <= last.seq) return;
    this.last = entry;
    const order = last === null ? 0 : compareAttempts(entry.attempt, last.attempt);
    if (entry.kind === 'attempt' ? last !== null && order <= 0 : order !== 0)
      this.violations.push(
        `attempt ${attemptTag(entry.attempt)} decides on ${entry.kind} after attempt ${attemptTag(last!.attempt)} has taken the state`,
      );
    if (entry.kind !== 'manifest' || entry.manifestKind !== 'CHECKPOINT') return;
    if (last?.newest?.jobId !== entry.jobId) this.decided = [];
    this.decided.push(entry.checkpointId);
  }

  /** A loss of power may take what nobody had been promised. */
  forget(): void {
    this.newest = null;
    this.last = null;
    this.decided = [];
  }

  /** The newest checkpoint of the job can be restored from, and those before it that are to be kept. */
  async checkNewest(jobId: string): Promise<void> {
    const { storage } = this;
    if ((await storage.readJobResult(jobId)) !== null) return;
    const seen = this.newest?.jobId === jobId ? this.newest.checkpointId : 0;
    try {
      const [newest] = await storage.listCheckpoints(jobId);
      if (newest === undefined) {
        if (seen > 0) this.violations.push(`checkpoint ${seen} was complete, and now the job has none`);
        return;
      }
      if (newest.checkpointId < seen)
        this.violations.push(`checkpoint ${seen} was complete, and now the newest is ${newest.checkpointId}`);
      this.newest = { jobId, checkpointId: newest.checkpointId };
      await this.readWhole(newest.path);
      if (this.last?.newest?.jobId === jobId)
        for (const id of this.decided.slice(-this.retained)) await this.readWhole(storage.checkpointPath(jobId, id));
    } catch (error) {
      this.violations.push(
        `the newest checkpoint of the job, or one before it that is to be kept, cannot be read: ${String(error)}`,
      );
    }
  }

  /** Every savepoint that was said to be complete can be read, all of it. */
  async checkSavepoints(paths: readonly string[]): Promise<void> {
    for (const path of new Set(paths))
      try {
        await this.readWhole(path);
      } catch (error) {
        this.violations.push(`savepoint ${path} was acknowledged, but cannot be read: ${String(error)}`);
      }
  }

  async readWhole(path: string): Promise<Manifest> {
    const { storage } = this;
    const manifest = await storage.readManifest(path);
    for (const { operatorId } of manifest.operators) {
      const state = await storage.readOperatorState(path, manifest, operatorId, { start: 0, end: 127 });
      if (state !== null) for await (const section of state.keyed) void section;
    }
    return manifest;
  }
}
