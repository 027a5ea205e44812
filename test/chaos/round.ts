// What all rounds have in common: a folder, seeded randomness, a log of what was done, what went wrong, and that nothing stays behind.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32 } from '../bench/bids.ts';

export interface RoundReport {
  /** What was done to the job, in order; for people. */
  log: string;
  /** Empty when every promise was kept. */
  violations: string[];
}

export interface Round {
  seed: number;
  random: () => number;
  /** Empty at first, and gone afterwards. */
  folder: string;
  /** Adds to the log. */
  note: (text: string) => void;
  /** Adds to what went wrong. */
  violated: (problems: string[]) => void;
  /** Ends something that the round has begun; the last begun is ended first. */
  defer: (end: () => Promise<void> | void) => void;
}

/** Rounds under way, by how to end them at once. */
const open = new Set<() => Promise<void>>();

/** Throws only when what `work` began cannot be ended; what it throws itself is a violation. */
export async function carryOut(
  seed: number,
  title: string,
  work: (round: Round) => Promise<void>,
): Promise<RoundReport> {
  const log = [`seed ${seed}: ${title}`];
  const violations: string[] = [];
  const ends: (() => Promise<void> | void)[] = [];
  const end = async (): Promise<void> => {
    for (let next = ends.pop(); next !== undefined; next = ends.pop()) await next();
  };
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-chaos-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  open.add(end);
  try {
    await work({
      seed,
      random: mulberry32(seed),
      folder,
      note: (text) => log.push(text),
      violated: (problems) => violations.push(...problems),
      defer: (one) => ends.push(one),
    });
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  } finally {
    await end();
    open.delete(end);
  }
  const done = log.join(', ');
  return { log: done, violations: violations.map((violation) => `${done}: ${violation}`) };
}

/** Ends all that is under way, processes first. What the rounds say after that means nothing. */
export async function cutShort(): Promise<void> {
  await Promise.all([...open].map(async (end) => end()));
}
