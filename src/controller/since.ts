// Since when something holds of a job. In memory only: a new operator is patient anew.

export class Since {
  /** By uid of the job. */
  private readonly begun = new Map<string, { what: string; at: number }>();

  /** `what` holds now; null: nothing does. Answers since when, milliseconds since the epoch; null: it does not. */
  of(uid: string, what: string | null, now: number): number | null {
    if (what === null) this.begun.delete(uid);
    else if (this.begun.get(uid)?.what !== what) this.begun.set(uid, { what, at: now });
    return this.begun.get(uid)?.at ?? null;
  }

  has(uid: string): boolean {
    return this.begun.has(uid);
  }

  /** It has turned out not to hold. */
  end(uid: string): void {
    this.begun.delete(uid);
  }
}
