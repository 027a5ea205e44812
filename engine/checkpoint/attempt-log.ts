// The fencing log: who owns a job's state, and what has been decided. Objects `log/<seq>`, each created only if absent, so that of any number of
// processes that write the same number exactly one has decided.
//
// Every entry names the attempt that owns the state from there on: a new attempt with an entry of its own, a decision (a manifest is complete, a job has
// its result) with the attempt that took it. A process whose attempt the highest entry does not name any more is fenced. Decisions take effect in a
// second step (a manifest gets its name), which is completed before the next entry is written, by whoever writes it: so only the highest
// entry can be one that still has to take effect, and lower ones may be removed.
import { crc32 } from 'node:zlib';
import { EngineError } from '../errors.ts';
import { compareAttempts, fenced, type AcquiredAttempt, type Attempt } from './attempt.ts';
import type { StateFolder } from './state-folder.ts';
import type { JobResult, Manifest } from './storage.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** So many entries stay, for people who want to know what happened. */
const KEPT = 8;
/** A log of so many is cut: to cut one entry at every write would cost a sync each. */
const CUT_AT = 2 * KEPT;

export interface ManifestDecision {
  kind: 'manifest';
  jobId: string;
  checkpointId: number;
  manifestKind: Manifest['kind'];
  /** Of the folder: relative to the state's root where it is in there, so that the whole can be moved. */
  path: string;
}

export type Decision = ManifestDecision | { kind: 'result'; result: JobResult };

export type LogEntry = (Decision | { kind: 'attempt'; owner: string }) & {
  seq: number;
  /** Owns the state from this entry on. */
  attempt: AcquiredAttempt;
  /** Of the store that wrote it: tells two processes apart that write the same. */
  writer: string;
  /** The newest checkpoint (no savepoint) of a job that has no result yet. */
  newest: ManifestDecision | null;
};

export class AttemptLog {
  private readonly folder: StateFolder;
  private readonly writer: string;

  /** `folder` is the log's own. `writer` is unique over all processes, ever. */
  constructor(folder: StateFolder, writer: string) {
    this.folder = folder;
    this.writer = writer;
  }

  /** The entry that counts; null when nobody has taken the job yet. Throws LOG_CORRUPT that names the damaged one. */
  async newest(): Promise<LogEntry | null> {
    for (;;) {
      const seq = (await this.numbers()).at(-1);
      if (seq === undefined) return null;
      const bytes = await this.folder.store.get(this.key(seq));
      // It may have been removed since only if others have been written.
      if (bytes !== null) return this.decode(seq, bytes);
      if ((await this.numbers()).at(-1) === seq) throw this.corrupt(seq, 'it cannot be read');
    }
  }

  /**
   * Takes the state for an attempt. `earlier` is one that took it without the log. `complete` gives effect to what was decided last, before anything can
   * be decided after it. Throws FENCED when a higher epoch has it.
   */
  async acquire(
    epoch: number,
    owner: string,
    earlier: Attempt,
    complete: (decided: LogEntry) => Promise<void>,
  ): Promise<AcquiredAttempt> {
    for (;;) {
      const newest = await this.newest();
      const current = newest !== null && compareAttempts(newest.attempt, earlier) > 0 ? newest.attempt : earlier;
      if (current.epoch > epoch) throw fenced({ epoch, restart: 0 }, current);
      if (newest !== null) await complete(newest);
      const seq = (newest?.seq ?? 0) + 1;
      const attempt = { epoch, restart: current.epoch === epoch ? current.restart + 1 : 0, seq };
      const entry = {
        kind: 'attempt' as const,
        owner,
        seq,
        attempt,
        writer: this.writer,
        newest: newest?.newest ?? null,
      };
      if ((await this.create(entry)) && (await this.owns(attempt, seq))) return attempt;
    }
  }

  /** Decides. All that was decided before must have taken effect. Throws FENCED, and nothing is decided, when another attempt has the state. */
  async append(attempt: AcquiredAttempt, decision: Decision): Promise<void> {
    for (;;) {
      const before = await this.newest();
      if (before?.attempt.seq !== attempt.seq) throw fenced(attempt, before?.attempt ?? null);
      const seq = before.seq + 1;
      const entry = { ...decision, seq, attempt, writer: this.writer, newest: newestAfter(before.newest, decision) };
      if (!(await this.create(entry))) continue;
      if (!(await this.owns(attempt, seq).catch((error: unknown) => this.uncertain(seq, error))))
        throw fenced(attempt, null);
      // It is decided: entries that cannot be removed now are at the next time.
      await this.cut(seq).catch(() => undefined);
      return;
    }
  }

  /** Throws FENCED unless the attempt has the state. */
  async assert(attempt: AcquiredAttempt): Promise<void> {
    const newest = await this.newest();
    if (newest?.attempt.seq !== attempt.seq) throw fenced(attempt, newest?.attempt ?? null);
  }

  /**
   * Whether an entry that was just written counts. One that was written late, under a number that has been used and removed since, does not: nobody
   * looks below the highest number, and the highest is by another attempt. That one may have taken the very number first, so numbers alone do not tell.
   */
  private async owns(attempt: AcquiredAttempt, seq: number): Promise<boolean> {
    if ((await this.numbers()).at(-1) === seq) return true;
    const newest = await this.newest();
    return newest?.attempt.seq === attempt.seq && newest.writer === this.writer;
  }

  /** False when the number is taken. Throws STORAGE_UNCERTAIN when it cannot be found out whether the entry is there. */
  private async create(entry: LogEntry): Promise<boolean> {
    const key = this.key(entry.seq);
    const bytes = encode(entry);
    const { store } = this.folder;
    try {
      return (await store.put(key, [bytes], { ifAbsent: true })) === 'written';
    } catch (error) {
      let found: Uint8Array | null;
      try {
        found = await store.get(key);
        // There, but perhaps not for good: what is answered now is.
        if (found !== null) await store.put(key, [bytes], { ifAbsent: true });
      } catch (cause) {
        this.uncertain(entry.seq, cause);
      }
      if (found === null) throw error;
      return Buffer.compare(found, bytes) === 0;
    }
  }

  private async cut(seq: number): Promise<void> {
    const numbers = await this.numbers();
    if (numbers.length <= CUT_AT) return;
    for (const number of numbers) if (number <= seq - KEPT) await this.folder.store.delete(this.key(number));
  }

  private async numbers(): Promise<number[]> {
    return (await this.folder.list())
      .filter((name) => /^\d{16}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  private decode(seq: number, bytes: Uint8Array): LogEntry {
    const text = decoder.decode(bytes);
    const json = text.slice(9);
    if (text.slice(0, 9) !== `${checksum(json)} `) throw this.corrupt(seq, 'it does not match its checksum');
    return JSON.parse(json) as LogEntry;
  }

  private uncertain(seq: number, cause: unknown): never {
    throw new EngineError(
      'STORAGE_UNCERTAIN',
      `whether ${this.name(seq)} counts cannot be found out: ${String(cause)}`,
      {
        hint: 'the process ends; the next one reads what has been decided',
        cause,
      },
    );
  }

  private corrupt(seq: number, reason: string): EngineError {
    return new EngineError('LOG_CORRUPT', `${this.name(seq)} cannot be used: ${reason}`, {
      hint: 'it says who owns the state and what is complete: bring the file back, or start a new job from a savepoint',
      position: { file: this.name(seq) },
    });
  }

  private key(seq: number): string {
    return this.folder.key(fileName(seq));
  }

  private name(seq: number): string {
    return this.folder.nameOf(fileName(seq));
  }
}

const fileName = (seq: number): string => String(seq).padStart(16, '0');

const checksum = (json: string): string => crc32(json).toString(16).padStart(8, '0');

function encode(entry: LogEntry): Uint8Array {
  const json = JSON.stringify(entry);
  return encoder.encode(`${checksum(json)} ${json}`);
}

function newestAfter(newest: ManifestDecision | null, decision: Decision): ManifestDecision | null {
  if (decision.kind === 'manifest') return decision.manifestKind === 'CHECKPOINT' ? decision : newest;
  return newest?.jobId === decision.result.jobId ? null : newest;
}
