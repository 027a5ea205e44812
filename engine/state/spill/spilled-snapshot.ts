// Keyed state at a barrier of which some is out of memory: the pages of the runs as they are, then those of the tables.
import { concatBatches } from '../../columnar/concat.ts';
import type { ColumnBatch } from '../../columnar/batch.ts';
import { encodeBatch } from '../../columnar/wire.ts';
import type { KeyedSnapshot, PageRef } from '../../operators/operator.ts';
import { KEY_GROUPS } from '../key-groups.ts';
import { TablesSnapshot, type TableOfWindow } from '../keyed-snapshot.ts';
import { sectionSchema, type StateSchema } from '../schema.ts';
import { mergedRanges, type GroupMerging } from './merged-ranges.ts';
import { KEY_GROUP_SPAN } from './positions.ts';
import type { PartKey, Run, RunPart } from './run.ts';
import { TablePages, type PageForm, type SortedPages } from './sorted-pages.ts';
import { sourcesOf, type RetainedRuns, type SpilledGroups } from './spilled-groups.ts';

/** State as it is now; `spilled` has what is not in `tables`. */
export function snapshotGroups(
  schema: StateSchema,
  tables: readonly TableOfWindow[],
  spilled: SpilledGroups,
): KeyedSnapshot {
  const inMemory = new TablesSnapshot(schema, tables);
  return spilled.active ? new SpilledSnapshot(schema, inMemory, spilled) : inMemory;
}

interface RunPage extends PageRef {
  run: Run;
  part: RunPart;
  page: number;
}

class SpilledSnapshot implements KeyedSnapshot {
  private readonly schema: StateSchema;
  private readonly tables: TablesSnapshot;
  private readonly retained: RetainedRuns;
  private readonly form: PageForm;
  private readonly merging: GroupMerging;
  private readonly listed = new Map<string, RunPage>();
  private released = false;

  constructor(schema: StateSchema, tables: TablesSnapshot, spilled: SpilledGroups) {
    this.schema = schema;
    this.tables = tables;
    this.retained = spilled.retain();
    this.form = spilled.form;
    this.merging = spilled.merging;
    for (const { run, parts } of this.retained.runs)
      for (const [key, part] of parts)
        for (let page = 0; page < part.firsts.length; page++) {
          const id = `${run.id}.${key}.${page}`;
          this.listed.set(id, { id, version: 0, run, part, page });
        }
  }

  pages(): readonly PageRef[] {
    return [...this.listed.values(), ...this.tables.pages()];
  }

  readPage(ref: PageRef): Uint8Array {
    const listed = this.listed.get(ref.id);
    return listed === undefined ? this.tables.readPage(ref) : listed.run.readBatch(listed.part, listed.page);
  }

  skipPage(ref: PageRef): void {
    if (!this.listed.has(ref.id)) this.tables.skipPage(ref);
  }

  *sections(): Generator<{ keyGroup: number; bytes: Uint8Array }> {
    const schema = sectionSchema(this.schema);
    const sources = this.sources();
    for (let keyGroup = 0; keyGroup < KEY_GROUPS; keyGroup++) {
      const within = { low: keyGroup * KEY_GROUP_SPAN, high: (keyGroup + 1) * KEY_GROUP_SPAN };
      const batches: ColumnBatch[] = [];
      for (const [key, pages] of sources)
        for (const table of mergedRanges(pages, this.merging, Infinity, within)) {
          const merged = new TablePages(table, this.form, this.windowEnd(key));
          for (let page = 0; page < merged.count; page++) batches.push(merged.read(page).batch);
        }
      if (batches.length > 0) yield { keyGroup, bytes: encodeBatch(concatBatches(schema, batches)) };
    }
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.retained.release();
    this.tables.release();
  }

  /** Of each part, what holds it, oldest first. */
  private sources(): [PartKey, SortedPages[]][] {
    const inMemory = new Map(this.tables.frozen.map((table) => [table.windowEnd ?? 0, table.snapshot]));
    const keys = new Set([...this.retained.runs.flatMap(({ parts }) => [...parts.keys()]), ...inMemory.keys()]);
    return [...keys]
      .sort((a, b) => a - b)
      .map((key) => {
        const pages = sourcesOf(this.retained.runs, key);
        const table = inMemory.get(key);
        if (table !== undefined && table.size > 0) pages.push(new TablePages(table, this.form, this.windowEnd(key)));
        return [key, pages];
      });
  }

  private windowEnd(key: PartKey): number | null {
    return this.schema.kind === 'WINDOWS' ? key : null;
  }
}
