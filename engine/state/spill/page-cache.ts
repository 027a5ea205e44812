// The pages of runs that were read last, up to a number of bytes.
import type { Run, RunPart, SpilledPage } from './run.ts';

export class PageCache {
  /** Memory of the pages held. */
  bytes = 0;
  private readonly budget: number;
  /** By part and page, the page that was not used for longest first. */
  private readonly pages = new Map<number, SpilledPage>();
  private readonly names = new WeakMap<RunPart, number>();
  private named = 0;

  /** `budget` in bytes; the page in use is held in any case. */
  constructor(budget: number) {
    this.budget = budget;
  }

  /** Throws SPILL_FILE. */
  read(run: Run, part: RunPart, page: number): SpilledPage {
    const key = this.nameOf(part) * 2 ** 26 + page;
    let found = this.pages.get(key);
    if (found === undefined) {
      found = run.readPage(part, page);
      this.bytes += found.bytes;
    } else this.pages.delete(key);
    this.pages.set(key, found);
    this.shrink();
    return found;
  }

  clear(): void {
    this.pages.clear();
    this.bytes = 0;
  }

  private shrink(): void {
    for (const [key, { bytes }] of this.pages) {
      if (this.bytes <= this.budget || this.pages.size === 1) return;
      this.pages.delete(key);
      this.bytes -= bytes;
    }
  }

  private nameOf(part: RunPart): number {
    let name = this.names.get(part);
    if (name === undefined) this.names.set(part, (name = this.named++));
    return name;
  }
}
