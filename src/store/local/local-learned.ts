// What the autoscaler has learned: a file in the folder of each job, which goes with the job.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LearnedOwner, LearnedStore } from '../../controller/autoscaling/learned.ts';
import { jobDirectory } from '../../runtime/local/layout.ts';
import { readIfThere, writeAtomically } from './files.ts';

export class LocalLearned implements LearnedStore {
  private readonly root: string;

  /** `root`: the operator's folder. */
  constructor(root: string) {
    this.root = root;
  }

  async read(owner: LearnedOwner): Promise<string | null> {
    return readIfThere(this.file(owner));
  }

  async write(owner: LearnedOwner, text: string): Promise<void> {
    // The folder of a job that has gone is not made anew.
    if (!existsSync(jobDirectory(this.root, owner.key.name))) return;
    // Not synced: it is worth no wait for the disk, and is begun afresh where a crash damaged it.
    writeAtomically(this.file(owner), text, false);
  }

  /** The uid in its name: what a job of the same name left behind says nothing of this one. */
  private file({ key, uid }: LearnedOwner): string {
    return join(jobDirectory(this.root, key.name), `learned-${uid}.json`);
  }
}
