// The groups of a GROUP BY: a table in memory, runs on disk once it has outgrown its share of memory, and in a stream perhaps a time to live.
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import type { SpilledGroups } from '../state/spill/spilled-groups.ts';
import type { Aggregation, Evaluated } from './aggregation.ts';
import type { Changelog } from './changelog.ts';
import type { OperatorContext } from './operator.ts';
import { createSpilledGroups, tableShare } from './spilling.ts';

/** The only part of groups without windows. */
const PART = 0;
/** Groups that are looked over per batch for such as are out of date. */
const SWEPT_GROUPS = 8192;

export class GroupState {
  table: GroupTable;
  readonly spilled: SpilledGroups;
  private readonly aggregation: Aggregation;
  private readonly context: OperatorContext;
  /** Milliseconds; null when groups live for ever. */
  private readonly timeToLive: number | null;
  /** Of each row of the batch at hand. */
  private groups = new Int32Array(0);
  /** When the first change that is held back came. */
  private heldSince = 0;
  /** Up to which group the table has been looked over, and how many were out of date. */
  private swept = 0;
  private outdated = 0;

  /** `timeToLive` of groups, null when they stay. */
  constructor(aggregation: Aggregation, context: OperatorContext, schema: StateSchema, timeToLive: number | null) {
    this.aggregation = aggregation;
    this.context = context;
    this.timeToLive = timeToLive;
    this.table = aggregation.createTable(context.stateBudget);
    const deadline = timeToLive === null ? null : (): number => context.now() - timeToLive;
    this.spilled = createSpilledGroups(aggregation, context, schema, deadline);
  }

  /** Bytes in memory. */
  get allocatedBytes(): number {
    return this.table.allocatedBytes + this.spilled.allocatedBytes;
  }

  /** The table has outgrown its share: `spill` should be called, when no change refers to its groups. */
  get full(): boolean {
    return this.table.size > 0 && this.table.allocatedBytes > tableShare(this.context.stateBudget, this.spilled.active);
  }

  /** Groups of changes that are held back may have come out of date since: the changes have to be emitted before more rows come. */
  overdue(changelog: Changelog): boolean {
    if (this.timeToLive === null) return false;
    const now = this.context.now();
    if (changelog.count === 0) this.heldSince = now;
    return now - this.heldSince >= this.timeToLive;
  }

  /**
   * Has the groups of all rows in the table with what they are, as a stream needs it before it adds the rows: those that were spilled come back, those
   * that are out of date start anew. The changelog has room for them. Throws SPILL_FILE.
   */
  prepare(evaluated: Evaluated, rows: number, changelog: Changelog): void {
    if (this.timeToLive === null && !this.spilled.active) return;
    const { table } = this;
    const known = table.size;
    if (this.groups.length < rows) this.groups = new Int32Array(rows);
    this.aggregation.locate(table, evaluated, null, rows, this.groups);
    const found = this.spilled.active ? this.spilled.fetch(PART, table, known) : null;
    found?.forEach((was, i) => {
      if (was === 1) changelog.adopt(known + i);
    });
    if (this.timeToLive !== null) this.stampTimes(rows, known, changelog, this.context.now(), this.timeToLive);
  }

  /** Writes the table out and starts with an empty one. Throws SPILL_DISK_FULL or SPILL_FILE, and then nothing has changed. */
  spill(): void {
    this.spilled.spill([{ part: PART, table: this.table }]);
    this.replace(this.aggregation.createTable(tableShare(this.context.stateBudget, true)));
  }

  /** All groups, each once, in one table or in many small ones. Throws SPILL_FILE. */
  *all(): Generator<GroupTable> {
    if (this.spilled.active) yield* this.spilled.scan(PART, this.table);
    else yield this.table;
  }

  /** Some more groups are looked over. True: so many are out of date that `compact` pays, when no change refers to groups. */
  sweep(): boolean {
    if (this.timeToLive === null) return false;
    const { table } = this;
    const { width, timeAt } = table.layout;
    const deadline = this.context.now() - this.timeToLive;
    const end = Math.min(table.size, this.swept + SWEPT_GROUPS);
    for (; this.swept < end; this.swept++)
      if (table.doubles[(this.swept * width + timeAt!) >> 1]! <= deadline) this.outdated++;
    if (this.swept < table.size) return false;
    const worthwhile = this.outdated > table.size >> 1;
    this.swept = 0;
    this.outdated = 0;
    return worthwhile;
  }

  /** Leaves the groups that are out of date behind, and gives their memory back. */
  compact(): void {
    const fresh = this.aggregation.createTable(tableShare(this.context.stateBudget, this.spilled.active));
    this.spilled.copyLive(PART, this.table, fresh);
    this.replace(fresh);
  }

  close(): void {
    this.spilled.close();
  }

  private replace(table: GroupTable): void {
    this.table = table;
    this.swept = 0;
    this.outdated = 0;
  }

  /** All rows are of `now`. Groups from `known` on have only just come into the table, and are not out of date. */
  private stampTimes(rows: number, known: number, changelog: Changelog, now: number, timeToLive: number): void {
    const { table, groups } = this;
    const { doubles, layout } = table;
    const { width } = layout;
    const timeAt = layout.timeAt!;
    for (let row = 0; row < rows; row++) {
      const group = groups[row]!;
      const at = (group * width + timeAt) >> 1;
      const time = doubles[at]!;
      if (time === now) continue;
      doubles[at] = now;
      if (group >= known || time > now - timeToLive) continue;
      this.aggregation.reset(table, group);
      changelog.renew(group);
    }
  }
}
