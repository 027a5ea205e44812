// Secrets on one machine: files NAME/KEY below one folder, as a pod would mount them. What a job's text refers to goes into the environment of its processes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secretsOf, secretVariable } from '../../engine-client/secrets-of.ts';

/** A line break at the end of a file is not part of the value. `missing`: which file, why, and what to do. */
export function secretEnvironment(
  directory: string,
  sql: string,
): { values: Record<string, string> } | { missing: string } {
  const values: Record<string, string> = {};
  for (const reference of secretsOf(sql)) {
    const file = join(directory, reference.name, reference.key);
    try {
      values[secretVariable(reference)] = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? String(error);
      return {
        missing: `The job does not start: its SQL text refers to key "${reference.key}" of Secret "${reference.name}", which is the file ${file}, and that cannot be read (${why}). Write the value into it, for its owner's eyes alone; the job then goes on by itself.`,
      };
    }
  }
  return { values };
}
