// What was learned of each job, across processes: read when a job is first looked at, written seldom (src/autoscaler/keep.ts), at once where something was
// decided, and once more at an orderly end. A write that fails is tried again later: what is lost is learned anew.
import { emptyKept } from '../../autoscaler/defaults.ts';
import { keepWithin } from '../../autoscaler/keep.ts';
import type { Kept } from '../../autoscaler/model.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import type { ObjectKey } from '../../api/object.ts';
import type { Clock } from '../../kube/time.ts';
import { learnedText, recalled } from './learned-text.ts';

/** Whose it is: it goes with the FlowJob of that uid, and is of no other one. */
export interface LearnedOwner {
  key: ObjectKey;
  uid: string;
}

/** Where it is kept. */
export interface LearnedStore {
  /** As it was written; null: nothing was, of this FlowJob. */
  read(owner: LearnedOwner): Promise<string | null>;
  /** Takes the place of what was written before. May be repeated. */
  write(owner: LearnedOwner, text: string): Promise<void>;
}

export interface LearnedOptions {
  store: LearnedStore;
  clock: Clock;
  /** Something was not read or not written; the autoscaler goes on without it. */
  onTrouble: (error: unknown, key: ObjectKey) => void;
}

interface Page {
  owner: LearnedOwner;
  latest: Kept;
  written: Kept;
  /** When it was written last; or read, where it was not. */
  writtenAt: number;
  /** To be written now, whatever was written when. */
  atOnce: boolean;
  isWriting: boolean;
  /** After a write that failed. */
  notBefore: number;
  /** What was told last of writes that fail: the same again is no news. */
  trouble: string | null;
}

const TRY_AGAIN_MS = 5 * 60_000;

export class Learned {
  private readonly options: LearnedOptions;
  /** By uid. */
  private readonly pages = new Map<string, Page>();
  /** Of jobs that were forgotten meanwhile, too. */
  private readonly writes = new Set<Promise<void>>();
  private ended = false;

  constructor(options: LearnedOptions) {
    this.options = options;
  }

  /** What is known of a job that this process sees for the first time. What is damaged, or of another version, counts as nothing. Throws what the store throws. */
  async recall(job: FlowJob): Promise<Kept> {
    const { store, clock, onTrouble } = this.options;
    const owner = ownerOf(job);
    const text = await store.read(owner);
    const now = clock.now();
    let kept: Kept;
    try {
      kept = recalled(text, job, now);
    } catch (error) {
      onTrouble(
        new Error(`what was learned is begun afresh: ${(error as Error).message}`, { cause: error }),
        owner.key,
      );
      kept = recalled(null, job, now);
    }
    this.pages.set(owner.uid, {
      ...{ owner, latest: kept, written: text === null ? emptyKept() : kept, writtenAt: now },
      ...{ atOnce: false, isWriting: false, notBefore: 0, trouble: null },
    });
    return kept;
  }

  /** What is known now; of a job that was recalled. Does not wait. */
  note({ metadata }: FlowJob, kept: Kept, { decided }: { decided: boolean }): void {
    const page = this.pages.get(metadata.uid);
    if (page === undefined || this.ended) return;
    page.latest = kept;
    page.atOnce ||= decided;
    this.writeIfDue(page);
  }

  forget(uid: string): void {
    this.pages.delete(uid);
  }

  /** Writes all that is not written yet. Resolves when that is done or has failed; nothing is written after that. */
  async close(): Promise<void> {
    this.ended = true;
    await Promise.all(this.writes);
    const open = [...this.pages.values()].filter(
      ({ latest, written }) => JSON.stringify(latest) !== JSON.stringify(written),
    );
    await Promise.all(open.map((page) => this.write(page)));
  }

  private writeIfDue(page: Page): void {
    const now = this.options.clock.now();
    const within = page.atOnce ? 0 : keepWithin(page.latest, page.written);
    if (page.isWriting || within === null || now < page.notBefore || now - page.writtenAt < within) return;
    page.isWriting = true;
    const write = this.write(page).then(() => {
      page.isWriting = false;
      this.writes.delete(write);
      // Something was decided meanwhile.
      if (page.atOnce && !this.ended) this.writeIfDue(page);
    });
    this.writes.add(write);
  }

  /** Never rejects. */
  private async write(page: Page): Promise<void> {
    const { store, clock, onTrouble } = this.options;
    const { latest, owner, atOnce } = page;
    page.atOnce = false;
    try {
      const now = clock.now();
      await store.write(owner, learnedText(latest, now));
      Object.assign(page, { written: latest, writtenAt: now, trouble: null });
    } catch (error) {
      page.atOnce ||= atOnce;
      page.notBefore = clock.now() + TRY_AGAIN_MS;
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== page.trouble) onTrouble(error, owner.key);
      page.trouble = trouble;
    }
  }
}

const ownerOf = ({ metadata: { namespace, name, uid } }: FlowJob): LearnedOwner => ({ key: { namespace, name }, uid });
