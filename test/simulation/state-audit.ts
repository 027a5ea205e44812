// Looks into storage as nobody hinders it: what is complete must be there, whole, at every moment. A checkpoint is not superseded by an older one.
import type { CheckpointStorage, Manifest } from '../../engine/checkpoint/storage.ts';

export class StateAudit {
  readonly violations: string[] = [];
  private readonly storage: CheckpointStorage;
  /** The newest completed checkpoint of a job that was seen. */
  private newest: { jobId: string; checkpointId: number } | null = null;

  /** `storage` answers at once. */
  constructor(storage: CheckpointStorage) {
    this.storage = storage;
  }

  /** A loss of power may take what nobody had been promised. */
  forget(): void {
    this.newest = null;
  }

  /** The newest checkpoint of the job can be restored from. */
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
    } catch (error) {
      this.violations.push(`the newest checkpoint of the job cannot be read: ${String(error)}`);
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
