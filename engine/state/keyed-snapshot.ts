// The keyed state of an aggregation at a barrier: its tables frozen, read as pages or as sections by key group.
import type { Column, ColumnBatch } from '../columnar/batch.ts';
import { concatBatches } from '../columnar/concat.ts';
import { encodeBatch } from '../columnar/wire.ts';
import type { KeyedSnapshot, PageRef } from '../operators/operator.ts';
import type { Schema } from '../plan/types.ts';
import type { GroupTable } from './group-table.ts';
import { KEY_GROUPS } from './key-groups.ts';
import { sectionSchema, type StateSchema } from './schema.ts';
import type { TableSnapshot } from './table-snapshot.ts';

/** A table, and the end of its window when it has one. */
export interface TableOfWindow {
  table: GroupTable;
  windowEnd: number | null;
}

interface Frozen {
  snapshot: TableSnapshot;
  windowEnd: number | null;
}

interface TablePage extends PageRef {
  frozen: Frozen;
  page: number;
}

export class TablesSnapshot implements KeyedSnapshot {
  private readonly schema: Schema;
  /** The tables as they were. */
  readonly frozen: readonly Frozen[];
  private readonly listed: Map<string, TablePage>;
  private paged = false;

  constructor(schema: StateSchema, tables: readonly TableOfWindow[]) {
    this.schema = sectionSchema(schema);
    this.frozen = tables.map(({ table, windowEnd }) => ({ snapshot: table.freeze(), windowEnd }));
    this.listed = new Map();
    this.frozen.forEach((frozen, i) => {
      frozen.snapshot.versions.forEach((version, page) => {
        const id = `${tables[i]!.table.id}.${page}`;
        this.listed.set(id, { id, version, frozen, page });
      });
    });
  }

  pages(): readonly PageRef[] {
    this.paged = true;
    for (const { snapshot, windowEnd } of this.frozen)
      snapshot.readAsPages((page) => encodeBatch(this.batch(snapshot.columns(page), snapshot.rows(page), windowEnd)));
    return [...this.listed.values()];
  }

  readPage({ id }: PageRef): Uint8Array {
    const { frozen, page } = this.listed.get(id)!;
    return frozen.snapshot.readPage(page);
  }

  skipPage({ id }: PageRef): void {
    const { frozen, page } = this.listed.get(id)!;
    frozen.snapshot.skip(page);
  }

  *sections(): Generator<{ keyGroup: number; bytes: Uint8Array }> {
    if (this.paged) throw new Error('this snapshot is read by pages: some may be encoded already');
    const sorted = this.frozen.map((frozen) => ({ ...frozen, ...frozen.snapshot.byKeyGroup() }));
    for (let keyGroup = 0; keyGroup < KEY_GROUPS; keyGroup++) {
      const parts = sorted.flatMap(({ snapshot, windowEnd, order, starts }): ColumnBatch[] => {
        const groups = order.subarray(starts[keyGroup], starts[keyGroup + 1]);
        return groups.length === 0 ? [] : [this.batch(snapshot.stateColumns(groups), groups.length, windowEnd)];
      });
      if (parts.length > 0) yield { keyGroup, bytes: encodeBatch(concatBatches(this.schema, parts)) };
    }
  }

  release(): void {
    for (const { snapshot } of this.frozen) snapshot.release();
  }

  private batch(columns: Column[], rows: number, windowEnd: number | null): ColumnBatch {
    const end = windowEnd === null ? [] : [constant(windowEnd, rows)];
    return { schema: this.schema, rows, columns: [...columns, ...end], kinds: null };
  }
}

/** A timestamp repeated. */
export function constant(value: number, rows: number): Column {
  return { physical: 'f64', values: new Float64Array(rows).fill(value), validity: null };
}
