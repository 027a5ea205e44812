// The job's bearer token: read from its file, compared in constant time.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EngineConfig } from '../config.ts';

/** The content of `flowjob.token-file`, or null when none is configured. */
export function readToken(config: EngineConfig): string | null {
  const path = config.get('flowjob.token-file');
  return path === '' ? null : readFileSync(path, 'utf8').trim();
}

/** True when no token is configured, or `shown` is it. */
export function tokenMatches(expected: string | null, shown: unknown): boolean {
  if (expected === null) return true;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return typeof shown === 'string' && timingSafeEqual(digest(expected), digest(shown));
}
