// Groups in the order of positions, page by page: what a run has on disk, and a table has once its groups are sorted.
import type { Column, ColumnBatch } from '../../columnar/batch.ts';
import { encodedSize } from '../../columnar/wire.ts';
import type { Schema } from '../../plan/types.ts';
import { ascending, positionOf } from './positions.ts';
import type { Run, RunPart, SpilledPage } from './run.ts';

export interface SortedPages {
  readonly count: number;
  /** Position of a page's first group, and of its last. */
  first(page: number): number;
  last(page: number): number;
  /** Memory of a page, about. */
  bytes(page: number): number;
  /** Throws SPILL_FILE. */
  read(page: number): SpilledPage;
}

export function runPages(run: Run, part: RunPart): SortedPages {
  return {
    count: part.firsts.length,
    first: (page) => part.firsts[page]!,
    last: (page) => part.lasts[page]!,
    bytes: (page) => part.lengths[page]!,
    read: (page) => run.readPage(part, page),
  };
}

/** What the pages of a table consist of. */
export interface PageForm {
  /** Keys, accumulators, the time of the last update where one is kept, the end of the window where there is one. */
  schema: Schema;
  /** Bytes that a page aims at. */
  pageBytes: number;
}

/** A table, or one as it was. */
export interface GroupSource {
  readonly size: number;
  /** Hash of each group's key. */
  hashes(): Int32Array;
  /** Keys, accumulators and the time of the last update where one is kept, of `groups` in that order. */
  stateColumns(groups: Int32Array): Column[];
}

/** The groups of a table in pages. `windowEnd` is the value of the last column, null when there is none. */
export class TablePages implements SortedPages {
  private readonly table: GroupSource;
  private readonly form: PageForm;
  private readonly windowEnd: number | null;
  /** Groups in the order of positions, and these. */
  private readonly order: Int32Array;
  private readonly positions: Uint32Array;
  private readonly perPage: number;

  /** `alive` leaves groups out. */
  constructor(
    table: GroupSource,
    form: PageForm,
    windowEnd: number | null,
    alive: ((group: number) => boolean) | null = null,
  ) {
    this.table = table;
    this.form = form;
    this.windowEnd = windowEnd;
    const positions = Uint32Array.from(table.hashes(), positionOf);
    const order = ascending(positions);
    this.order = alive === null ? order : order.filter(alive);
    this.positions = Uint32Array.from(this.order, (group) => positions[group]!);
    this.perPage = this.rowsPerPage();
  }

  get groups(): number {
    return this.order.length;
  }

  get count(): number {
    return Math.ceil(this.order.length / this.perPage);
  }

  first(page: number): number {
    return this.positions[page * this.perPage]!;
  }

  last(page: number): number {
    return this.positions[Math.min(this.order.length, (page + 1) * this.perPage) - 1]!;
  }

  bytes(_page: number): number {
    return this.form.pageBytes;
  }

  read(page: number): SpilledPage {
    const from = page * this.perPage;
    const end = Math.min(this.order.length, from + this.perPage);
    const batch = this.batch(this.order.subarray(from, end));
    return { batch, positions: this.positions.subarray(from, end), bytes: this.form.pageBytes };
  }

  private batch(groups: Int32Array): ColumnBatch {
    const columns = this.table.stateColumns(groups);
    const rows = groups.length;
    if (this.windowEnd !== null)
      columns.push({ physical: 'f64', values: new Float64Array(rows).fill(this.windowEnd), validity: null });
    return { schema: this.form.schema, rows, columns, kinds: null };
  }

  /** By the size of some groups. */
  private rowsPerPage(): number {
    const step = Math.max(1, Math.floor(this.order.length / 64));
    const sample = this.order.filter((_group, i) => i % step === 0);
    if (sample.length === 0) return 1;
    const bytesPerRow = encodedSize(this.batch(sample)) / sample.length + 4;
    return Math.max(1, Math.floor(this.form.pageBytes / bytesPerRow));
  }
}
