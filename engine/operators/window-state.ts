// The groups of open windows: a table per window, and runs on disk once the tables have together outgrown their share of memory.
import { recordGroups } from '../codegen/aggregate-update.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import type { SpilledGroups } from '../state/spill/spilled-groups.ts';
import type { Aggregation, Evaluated } from './aggregation.ts';
import type { OperatorContext } from './operator.ts';
import { createSpilledGroups, tableShare } from './spilling.ts';

const NOTHING_RECORDED = recordGroups(new Int32Array(0));

export class WindowState {
  readonly spilled: SpilledGroups;
  private readonly aggregation: Aggregation;
  private readonly context: OperatorContext;
  /** Open windows by their end: what of them is in memory. */
  private readonly windows = new Map<number, GroupTable>();
  /** Table of a window that has fired: the next one will have about as many groups, and memory that is there costs less than new memory. */
  private spare: GroupTable | null = null;
  /** Memory of all tables. */
  private allocated = 0;
  private groups = new Int32Array(0);

  constructor(aggregation: Aggregation, context: OperatorContext, schema: StateSchema) {
    this.aggregation = aggregation;
    this.context = context;
    this.spilled = createSpilledGroups(aggregation, context, schema, null);
  }

  /** Bytes in memory. */
  get allocatedBytes(): number {
    return this.allocated + this.spilled.allocatedBytes;
  }

  /** Adds rows to a window: those of `selection`, or the first `count`. Throws SPILL_FILE. */
  add(windowEnd: number, evaluated: Evaluated, selection: Int32Array | null, count: number): void {
    const table = this.tableOf(windowEnd);
    const before = table.allocatedBytes;
    if (this.context.mode === 'STREAMING' && this.spilled.hasPart(windowEnd)) {
      const known = table.size;
      if (this.groups.length < count) this.groups = new Int32Array(count);
      this.aggregation.locate(table, evaluated, selection, count, this.groups);
      this.spilled.fetch(windowEnd, table, known);
    }
    this.aggregation.update(table, evaluated, selection, count, NOTHING_RECORDED);
    this.allocated += table.allocatedBytes - before;
  }

  /** Spills what is more than fits, and merges a piece of what was spilled. Throws SPILL_DISK_FULL or SPILL_FILE. */
  keepSmall(): void {
    this.spilled.maintain();
    if (this.allocated > tableShare(this.context.stateBudget, this.spilled.active)) this.spill();
  }

  /** The table to put restored groups of a window into; what was put into others may be spilled first. */
  tableForRestore(windowEnd: number): GroupTable {
    this.count();
    this.keepSmall();
    return this.tableOf(windowEnd);
  }

  /** Tables in memory, the earliest window first. */
  open(): { table: GroupTable; windowEnd: number }[] {
    return [...this.windows].sort(([a], [b]) => a - b).map(([windowEnd, table]) => ({ table, windowEnd }));
  }

  /** Ends of the windows whose last millisecond the watermark has reached, earliest first. */
  due(watermark: number): number[] {
    const ends = new Set([...this.windows.keys(), ...this.spilled.partKeys()]);
    return [...ends].filter((windowEnd) => windowEnd - 1 <= watermark).sort((a, b) => a - b);
  }

  /** Hands the groups of a window to `emit`, each once, in one table or in many small ones; then the window is gone. */
  take(windowEnd: number, emit: (table: GroupTable) => void): void {
    const table = this.windows.get(windowEnd) ?? null;
    this.windows.delete(windowEnd);
    if (this.spilled.hasPart(windowEnd)) {
      for (const part of this.spilled.scan(windowEnd, table)) emit(part);
      this.spilled.drop(windowEnd);
    } else if (table !== null) emit(table);
    this.spare = table?.clear() === true ? table : null;
    this.count();
  }

  close(): void {
    this.windows.clear();
    this.spare = null;
    this.spilled.close();
  }

  private tableOf(windowEnd: number): GroupTable {
    let table = this.windows.get(windowEnd);
    if (table === undefined) {
      table = this.spare ?? this.aggregation.createTable(this.context.stateBudget);
      if (this.spare === null) this.allocated += table.allocatedBytes;
      this.spare = null;
      this.windows.set(windowEnd, table);
    }
    return table;
  }

  private spill(): void {
    this.spare = null;
    this.count();
    if (this.allocated <= tableShare(this.context.stateBudget, this.spilled.active)) return;
    const tables = this.open().filter(({ table }) => table.size > 0);
    this.spilled.spill(tables.map(({ table, windowEnd }) => ({ part: windowEnd, table })));
    this.windows.clear();
    this.allocated = 0;
  }

  private count(): void {
    this.allocated = this.spare?.allocatedBytes ?? 0;
    for (const table of this.windows.values()) this.allocated += table.allocatedBytes;
  }
}
