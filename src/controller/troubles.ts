// Passes that fail: which of it is logged, which is put on record where people see it, and until when that stands.
import { keyFrom, type ObjectKey } from '../api/object.ts';
import { StoreError } from '../store/port.ts';
import type { Log } from './log.ts';
import { describeTrouble, kindOf } from './trouble.ts';

/** A pass that fails now and then is tried again and nothing more; so many in a row (1.4 s) are put on record. */
const TOLD_AFTER = 4;

export interface TroublesOptions {
  log: Log;
  /** What is looked at, as the log calls it. */
  what: 'job' | 'cluster';
  /** How many passes over it have failed in a row before the one under way. */
  failures: (id: string) => number;
  /** Puts it on record: in the conditions, and as an event. */
  record: (key: ObjectKey, message: string) => Promise<void>;
}

export class Troubles {
  private readonly options: TroublesOptions;
  /** By object: the kinds of errors that are on record because of passes that failed in a row. */
  private readonly told = new Map<string, Set<string>>();
  /** Nothing is begun any more. */
  private ended = false;

  constructor(options: TroublesOptions) {
    this.options = options;
  }

  /** From now on a pass that fails does so because the operator ends. */
  end(): void {
    this.ended = true;
  }

  /**
   * Runs a pass. `troubled`: passes have failed and the conditions say so; they stand until one has carried out all that it decided. An error of a pass
   * is thrown on, to have it tried again later, but not once the operator ends: then the answer is null, and the next operator does it.
   */
  async over<T>(id: string, pass: (troubled: boolean) => Promise<T>): Promise<T | null> {
    try {
      const answer = await pass((this.told.get(id)?.size ?? 0) > 0);
      this.told.delete(id);
      return answer;
    } catch (error) {
      const { log, what, failures } = this.options;
      const named = { [what]: keyFrom(id).name };
      if (this.ended) {
        log.info({ ...named, err: error }, 'a pass ended with the operator');
        return null;
      }
      const inARow = failures(id) + 1;
      // Somebody else wrote the object in between. The watch tells of it and has it looked at at once; until it does, what is known here is old, and another
      // pass would end the same way: hence the back-off.
      if (error instanceof StoreError && (error.reason === 'Conflict' || error.reason === 'NotFound')) {
        if (inARow >= TOLD_AFTER)
          log.warn({ ...named, failures: inARow, err: error }, `what is known of the ${what} is old`);
        throw error;
      }
      log.error({ ...named, failures: inARow, err: error }, 'pass failed');
      if (inARow >= TOLD_AFTER) await this.tell(id, error);
      throw error;
    }
  }

  /** Once for each kind of error while passes go on failing: another try alone is no news, and not worth a write. */
  private async tell(id: string, error: unknown): Promise<void> {
    const { log, what, record } = this.options;
    const key = keyFrom(id);
    const told = this.told.get(id) ?? new Set();
    this.told.set(id, told);
    const kind = kindOf(error);
    if (told.has(kind)) return;
    try {
      await record(key, `The operator goes on trying. ${describeTrouble(error)}`);
      told.add(kind);
    } catch (failure) {
      // Where the objects are kept may be what fails: then the log is all there is, and the next try tells.
      log.error({ [what]: key.name, err: failure }, 'the trouble could not be put on record');
    }
  }
}
