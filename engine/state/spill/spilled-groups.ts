// The groups of an operator's subtask that are out of memory: runs, from the oldest to the newest, which are merged in steps when they are many. What
// a newer run holds of a key counts, what an older one holds of it does not.
import type { GroupTable } from '../group-table.ts';
import { BloomFilter } from './bloom-filter.ts';
import { FOUND, lookUp, type Wanted } from './lookup.ts';
import { ALL_POSITIONS, mergedRanges, type GroupMerging, type PositionRange } from './merged-ranges.ts';
import { PageCache } from './page-cache.ts';
import { ascending, positionOf } from './positions.ts';
import { RunWriter, type PartKey, type Run } from './run.ts';
import { runPages, TablePages, type PageForm, type SortedPages } from './sorted-pages.ts';
import type { CreateSpillFile } from './spill-files.ts';

/** So many runs are looked through before some are merged (RocksDB's universal compaction has the same trigger). */
const MERGE_AT = 4;
/** So many runs make the operator wait until some are merged. */
const RUNS_AT_MOST = 12;
/** Pages that are merged in one step: a few milliseconds of work. */
const STEP_BYTES = 1 << 20;

export interface SpillOptions {
  form: PageForm;
  /** The last column of the schema is the end of the window. */
  windows: boolean;
  merging: GroupMerging;
  createFile: CreateSpillFile;
  /** Bytes for filters and cached pages. */
  budget: number;
  /** Groups that were last updated then or before are gone; null when none ever is. Milliseconds since the epoch. */
  deadline: (() => number) | null;
  now: () => number;
}

/** A table, and the part that it is of. */
export interface TableOfPart {
  part: PartKey;
  table: GroupTable;
}

interface HeldRun {
  run: Run;
  /** No group in it was updated later. */
  newest: number;
}

/** A merge that is under way, of neighbours. */
interface RunMerge {
  inputs: HeldRun[];
  steps: Iterator<void, Run>;
  writer: RunWriter;
  /** Parts that went while it ran. */
  dropped: Set<PartKey>;
}

export class SpilledGroups {
  private readonly options: SpillOptions;
  private readonly cache: PageCache;
  /** From the oldest to the newest. */
  private runs: HeldRun[] = [];
  private merge: RunMerge | null = null;
  private named = 0;

  constructor(options: SpillOptions) {
    this.options = options;
    this.cache = new PageCache(options.budget >> 1);
  }

  get form(): PageForm {
    return this.options.form;
  }

  get merging(): GroupMerging {
    return this.options.merging;
  }

  /** Some groups are out of memory. */
  get active(): boolean {
    return this.runs.length > 0;
  }

  /** Memory of indexes, filters and cached pages. */
  get allocatedBytes(): number {
    return this.runs.reduce((sum, { run }) => sum + run.allocatedBytes, this.cache.bytes);
  }

  /** Bytes on disk that count, copies of older values among them. */
  get spilledBytes(): number {
    return this.runs.reduce((sum, { run }) => sum + liveBytes(run), 0);
  }

  get runCount(): number {
    return this.runs.length;
  }

  hasPart(part: PartKey): boolean {
    return this.runs.some(({ run }) => run.parts.has(part));
  }

  /** Parts of which some groups are out of memory. */
  partKeys(): PartKey[] {
    return [...new Set(this.runs.flatMap(({ run }) => [...run.parts.keys()]))].sort((a, b) => a - b);
  }

  /**
   * Writes tables out as one run; they are the caller's to empty. Throws SPILL_DISK_FULL or SPILL_FILE, and then nothing has changed.
   */
  spill(tables: readonly TableOfPart[]): void {
    const writer = this.startRun();
    try {
      for (const { part, table } of tables) {
        const pages = this.tablePages(part, table);
        this.startPart(writer, part, pages.groups);
        for (let page = 0; page < pages.count; page++) {
          const { batch, positions } = pages.read(page);
          writer.add(batch, positions);
        }
      }
      this.append(writer.finish());
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  /**
   * Looks for groups `from` to the last of a table, which have only their keys, and gives those that are found their accumulators. Returns 1 for
   * each that was. Throws SPILL_FILE.
   */
  fetch(part: PartKey, table: GroupTable, from: number): Uint8Array {
    const count = table.size - from;
    const found = new Uint8Array(count);
    if (count === 0) return found;
    const wanted = wantedGroups(table, from);
    const deadline = this.options.deadline?.() ?? null;
    for (const { run } of this.runs.toReversed()) {
      const pages = run.parts.get(part);
      if (pages !== undefined) lookUp(table, wanted, run, pages, this.cache, deadline);
    }
    wanted.groups.forEach((group, i) => {
      if (wanted.outcome[i] === FOUND) found[group - from] = 1;
    });
    return found;
  }

  /**
   * All groups of a part, each once, in small tables of ascending ranges of positions; those of `table`, when given, are the newest. Groups whose time
   * is over may be among them. Throws SPILL_FILE.
   */
  scan(part: PartKey, table: GroupTable | null, within: PositionRange = ALL_POSITIONS): Generator<GroupTable> {
    const sources = sourcesOf(this.runs, part);
    if (table !== null && table.size > 0) sources.push(this.tablePages(part, table));
    return mergedRanges(sources, this.options.merging, this.stepBytes, within);
  }

  /** Copies the groups of a table whose time is not over into a fresh one. */
  copyLive(part: PartKey, table: GroupTable, fresh: GroupTable): void {
    const pages = this.tablePages(part, table);
    for (let page = 0; page < pages.count; page++) {
      const { batch } = pages.read(page);
      this.options.merging.absorb(fresh, batch, 0, batch.rows);
    }
  }

  /** Forgets a part: its window has fired. */
  drop(part: PartKey): void {
    this.merge?.dropped.add(part);
    for (const { run } of this.runs) run.parts.delete(part);
    if (this.merge === null) this.removeRuns(({ run }) => run.parts.size === 0);
  }

  /** A piece of merging, or of clearing away; called between batches. */
  maintain(): void {
    this.dropExpired();
    if (this.merge === null && this.runs.length >= MERGE_AT) this.merge = this.startMerge();
    if (this.merge === null) return;
    do this.continueMerge(this.merge);
    while (this.merge !== null && this.runs.length >= RUNS_AT_MOST);
  }

  /** The runs as they are now, to be read beside the work until `release`: parts that are dropped and runs that are merged stay. */
  retain(): RetainedRuns {
    const runs = this.runs.map(({ run }) => run);
    const parts = runs.map((run) => new Map(run.parts));
    for (const run of runs) run.retain();
    return {
      runs: runs.map((run, i) => ({ run, parts: parts[i]! })),
      release: () => {
        for (const run of runs) run.release();
      },
    };
  }

  /** Forgets everything and removes the files, but for those that are retained. */
  close(): void {
    this.abortMerge();
    this.removeRuns(() => true);
    this.cache.clear();
  }

  private get stepBytes(): number {
    return Math.max(this.options.form.pageBytes, Math.min(STEP_BYTES, this.options.budget));
  }

  private tablePages(part: PartKey, table: GroupTable): TablePages {
    const { form, windows, deadline } = this.options;
    const latest = deadline?.() ?? null;
    const alive = latest === null ? null : (group: number): boolean => table.timeOf(group) > latest;
    return new TablePages(table, form, windows ? part : null, alive);
  }

  private startRun(): RunWriter {
    return new RunWriter(`run-${this.named++}`, this.options.form.schema, this.options.createFile);
  }

  /** Filters may take half of the budget: the oldest and largest runs go without first. */
  private startPart(writer: RunWriter, part: PartKey, groups: number): void {
    const held = this.runs.reduce((sum, { run }) => sum + run.allocatedBytes, 0);
    const fits = held + BloomFilter.bytesFor(groups) <= this.options.budget / 2;
    writer.startPart(part, fits ? groups : 0);
  }

  private append(run: Run): void {
    if (run.parts.size === 0) run.release();
    else this.runs.push({ run, newest: this.options.now() });
  }

  private dropExpired(): void {
    if (this.options.deadline === null || this.merge !== null) return;
    const deadline = this.options.deadline();
    this.removeRuns(({ newest }) => newest <= deadline);
  }

  private removeRuns(gone: (held: HeldRun) => boolean): void {
    const kept = this.runs.filter((held) => !gone(held));
    if (kept.length === this.runs.length) return;
    for (const held of this.runs) if (!kept.includes(held)) held.run.release();
    this.runs = kept;
  }

  /**
   * The newest runs, and before them each that is not larger than twice those after it together: what is merged grows by half at least, so that a
   * group is written a number of times that grows with the logarithm of the state.
   */
  private startMerge(): RunMerge | null {
    let first = this.runs.length - 1;
    let bytes = liveBytes(this.runs[first]!.run);
    while (first > 0 && liveBytes(this.runs[first - 1]!.run) <= 2 * bytes) bytes += liveBytes(this.runs[--first]!.run);
    const inputs = this.runs.slice(Math.min(first, this.runs.length - 2));
    const writer = this.startRun();
    return { inputs, steps: this.mergeSteps(inputs, writer), writer, dropped: new Set() };
  }

  private *mergeSteps(inputs: readonly HeldRun[], writer: RunWriter): Generator<void, Run> {
    const keys = new Set(inputs.flatMap(({ run }) => [...run.parts.keys()]));
    for (const part of [...keys].sort((a, b) => a - b)) {
      const parts = inputs.map(({ run }) => run.parts.get(part));
      this.startPart(
        writer,
        part,
        parts.reduce((sum, held) => sum + (held?.groups ?? 0), 0),
      );
      for (const table of mergedRanges(sourcesOf(inputs, part), this.options.merging, this.stepBytes)) {
        const pages = this.tablePages(part, table);
        for (let page = 0; page < pages.count; page++) {
          const { batch, positions } = pages.read(page);
          writer.add(batch, positions);
        }
        yield;
      }
    }
    return writer.finish();
  }

  private continueMerge(merge: RunMerge): void {
    let merged: Run;
    try {
      const step = merge.steps.next();
      if (step.done !== true) return;
      merged = step.value;
    } catch (error) {
      this.abortMerge();
      throw error;
    }
    this.merge = null;
    for (const part of merge.dropped) merged.parts.delete(part);
    const at = this.runs.indexOf(merge.inputs[0]!);
    const newest = Math.max(...merge.inputs.map((input) => input.newest));
    this.runs.splice(at, merge.inputs.length, { run: merged, newest });
    for (const { run } of merge.inputs) run.release();
    this.removeRuns(({ run }) => run.parts.size === 0);
  }

  private abortMerge(): void {
    this.merge?.writer.abort();
    this.merge = null;
  }
}

/** Runs that somebody reads beside the operator. */
export interface RetainedRuns {
  /** From the oldest to the newest, with the parts that they had. */
  runs: { run: Run; parts: Run['parts'] }[];
  release(): void;
}

export function sourcesOf(runs: readonly { run: Run; parts?: Run['parts'] }[], part: PartKey): SortedPages[] {
  return runs.flatMap(({ run, parts = run.parts }) => {
    const pages = parts.get(part);
    return pages === undefined ? [] : [runPages(run, pages)];
  });
}

function liveBytes(run: Run): number {
  let live = 0;
  for (const { bytes } of run.parts.values()) live += bytes;
  return live;
}

function wantedGroups(table: GroupTable, from: number): Wanted {
  const unsorted = Uint32Array.from(table.hashes().subarray(from), positionOf);
  const order = ascending(unsorted);
  const positions = Uint32Array.from(order, (i) => unsorted[i]!);
  return { groups: order.map((i) => from + i), positions, outcome: new Uint8Array(positions.length) };
}
