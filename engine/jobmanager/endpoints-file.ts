// The file in which a JobManager says where it listens. TaskManagers and the operator look there for the attempt that has the job.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { attemptOf, compareAttempts, fenced } from '../checkpoint/attempt.ts';
import type { Endpoints } from '../config.ts';

/** Takes the place of what an earlier attempt has written. Throws FENCED when a later one has: nobody would find that one any more. */
export function writeEndpoints(file: string, endpoints: Endpoints): void {
  const found = readEndpoints(file);
  if (found !== null && compareAttempts(attemptOf(found), endpoints) > 0) throw fenced(endpoints, attemptOf(found));
  // In a pod it is on the job's volume, which begins empty.
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(endpoints), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

/** Null when it is not there, or does not say where anything is. */
export function readEndpoints(file: string): Endpoints | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Endpoints;
  } catch {
    return null;
  }
}
