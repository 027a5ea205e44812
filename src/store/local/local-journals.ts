// The journals of the autoscaler on one machine: a file in the folder of each job, which goes with the job.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyJournal, withLook, type Journal } from '../../autoscaler/journal.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { writeAtomically } from './files.ts';

const fileOf = (directory: string, name: string): string => join(directory, 'jobs', name, 'autoscaling.json');

export class LocalJournals {
  private readonly directory: string;
  /** By uid. */
  private readonly journals = new Map<string, Journal>();

  /** `directory`: the operator's folder. */
  constructor(directory: string) {
    this.directory = directory;
  }

  add({ metadata }: FlowJob, look: NonNullable<Journal['last']>): void {
    const file = fileOf(this.directory, metadata.name);
    // The folder of a job that has gone is not made anew.
    if (!existsSync(join(this.directory, 'jobs', metadata.name))) return void this.journals.delete(metadata.uid);
    const journal = withLook(this.journals.get(metadata.uid) ?? emptyJournal(), look);
    this.journals.set(metadata.uid, journal);
    writeAtomically(file, JSON.stringify(journal), false);
  }
}

/** Null: the autoscaler has not looked at the job. */
export function readJournal(directory: string, name: string): Journal | null {
  const file = fileOf(directory, name);
  if (!existsSync(file)) return null;
  const journal = JSON.parse(readFileSync(file, 'utf8')) as Journal;
  // Of another version of the operator; the next look takes its place.
  return journal.version === emptyJournal().version ? journal : null;
}
