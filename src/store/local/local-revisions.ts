// Accepted versions in the job's folder, one file each; they go with it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RevisionOwner, RevisionStore } from '../../controller/revisions.ts';
import type { KeptRevision } from '../../lifecycle/revisions.ts';
import { jobDirectory } from '../../runtime/local/layout.ts';
import { jsonFiles, readUndamaged, removeDurably, sweepTemporaryFiles, writeAtomically } from './files.ts';

type Stored = KeptRevision & { uid: string };

export class LocalRevisions implements RevisionStore {
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** A file that a crash damaged counts as none: the version is kept anew when it is accepted anew. */
  async list({ key, uid }: RevisionOwner): Promise<KeptRevision[]> {
    const directory = this.directory(key.name);
    mkdirSync(directory, { recursive: true });
    sweepTemporaryFiles(directory);
    return jsonFiles(directory).flatMap((file) => {
      const stored = readUndamaged(join(directory, file)) as Stored | null;
      return stored?.uid === uid ? [{ name: stored.name, revision: stored.revision }] : [];
    });
  }

  async put({ key, uid }: RevisionOwner, kept: Parameters<RevisionStore['put']>[1]): Promise<void> {
    mkdirSync(this.directory(key.name), { recursive: true });
    writeAtomically(this.file(key.name, kept.name), `${JSON.stringify({ uid, ...kept }, null, 2)}\n`, true);
  }

  async remove({ key }: RevisionOwner, name: string): Promise<void> {
    removeDurably(this.file(key.name, name));
  }

  private directory(job: string): string {
    return join(jobDirectory(this.root, job), 'revisions');
  }

  private file(job: string, name: string): string {
    return join(this.directory(job), `${name}.json`);
  }
}
