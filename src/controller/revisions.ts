// Keeps each accepted version, with the SQL text that it runs, before anything of it is started.
import type { FlowJob } from '../api/flowjob.ts';
import { idOf, type ObjectKey } from '../api/object.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import { reviseHistory, revisionName, REVISION_HISTORY_LIMIT, type KeptRevision } from '../lifecycle/revisions.ts';

/** Whose versions: they go with the FlowJob. */
export interface RevisionOwner {
  key: ObjectKey;
  uid: string;
}

/** Where versions are kept. Every call can be repeated. */
export interface RevisionStore {
  list(owner: RevisionOwner): Promise<KeptRevision[]>;
  /** Keeps a version, or gives one that is kept another number. */
  put(owner: RevisionOwner, kept: KeptRevision & { spec: ResolvedFlowJobSpec }): Promise<void>;
  remove(owner: RevisionOwner, name: string): Promise<void>;
}

export class RevisionKeeper {
  private readonly store: RevisionStore;
  /** By job: what was seen to be kept, so that a pass that changes nothing asks nobody. */
  private readonly kept = new Map<string, string>();

  constructor(store: RevisionStore) {
    this.store = store;
  }

  /** `job` has the status that was just written. */
  async keep(job: FlowJob): Promise<void> {
    const { namespace, name, uid } = job.metadata;
    const spec = job.status?.accepted?.spec;
    if (spec === undefined) return;
    const id = idOf({ namespace, name });
    const limit = job.spec.revisionHistoryLimit ?? REVISION_HISTORY_LIMIT;
    const current = revisionName(name, spec);
    const done = `${uid} ${current} ${limit}`;
    if (this.kept.get(id) === done) return;
    const owner = { key: { namespace, name }, uid };
    const { number, remove } = reviseHistory(await this.store.list(owner), current, limit);
    if (number !== null) await this.store.put(owner, { name: current, revision: number, spec });
    for (const old of remove) await this.store.remove(owner, old);
    this.kept.set(id, done);
  }

  forget(key: ObjectKey): void {
    this.kept.delete(idOf(key));
  }
}
