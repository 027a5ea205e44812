// The observer's own books of what a reader of the output sees. A file that appears must be whole, and its rows must be ones that belong there and
// have not been seen; what has appeared stays as it is. For changes, each must fit what was told before of its row.
import { dirname } from 'node:path';
import { compareAttempts, parseAttemptTag, type Attempt } from '../../engine/checkpoint/attempt.ts';
import type { Inode, SimDisk } from './disk.ts';

const decoder = new TextDecoder();

interface VisibleFile {
  path: string;
  inode: Inode;
  lines: string[];
}

export class OutputBooks {
  readonly violations: string[] = [];
  private readonly disk: SimDisk;
  private readonly directory: string;
  private readonly changes: boolean;
  private readonly expected: string[];
  /** In the order of their appearance. */
  private files: VisibleFile[] = [];
  /** Lines, for changes rows of the table, that are there now. */
  private present = new Map<string, number>();

  /** `before`: lines that were written elsewhere before these. */
  constructor(disk: SimDisk, directory: string, changes: boolean, expected: string[], before: string[] = []) {
    this.disk = disk;
    this.directory = directory;
    this.changes = changes;
    this.expected = expected;
    for (const line of before) this.enterLine(`${directory} before`, line);
  }

  /** A name has changed. */
  changed(path: string): void {
    if (dirname(path) !== this.directory || isHidden(path)) return;
    const inode = this.disk.inode(path);
    const known = this.files.findIndex((file) => file.path === path);
    if (known >= 0) {
      if (inode === this.files[known]!.inode) return;
      this.violations.push(`${path}, which readers have seen, ${inode === undefined ? 'is gone' : 'was replaced'}`);
      this.files.splice(known, 1);
    }
    if (inode === undefined) return;
    if (inode.promised < inode.length)
      this.violations.push(`${path} is visible before its ${inode.length} bytes are durable: ${inode.promised} are`);
    const { attempt } = parsePart(path);
    const later = this.files.find((file) => compareAttempts(parsePart(file.path).attempt, attempt) > 0);
    if (later !== undefined) this.violations.push(`${path} appears after ${later.path}, of a later attempt`);
    const file = { path, inode, lines: linesOf(inode) };
    this.files.push(file);
    this.enter(file);
  }

  /** After a loss of power names may be gone that nobody was promised: the books begin anew with what is left. */
  reread(): void {
    this.files = this.files.filter(({ path, inode }) => this.disk.inode(path) === inode);
    this.present = new Map();
    for (const file of this.files) this.enter(file);
  }

  /** All is as if nothing had happened. */
  checkComplete(): void {
    for (const { path, inode, lines } of this.files) {
      const now = linesOf(inode);
      if (now.join('\n') !== lines.join('\n')) this.violations.push(`${path} has changed since readers have seen it`);
    }
    const found = [...this.present].flatMap(([line, count]) => Array.from({ length: count }, () => line)).sort();
    if (found.join('\n') === this.expected.join('\n')) return;
    const missing = this.expected.filter((line) => !this.present.has(line));
    const foreign = found.filter((line) => !this.expected.includes(line));
    this.violations.push(
      `the output is not that of a run without faults: ${found.length} rows instead of ${this.expected.length}; ` +
        `missing ${missing.slice(0, 3).join(' | ') || 'none'}; foreign ${foreign.slice(0, 3).join(' | ') || 'none'}`,
    );
  }

  /** Lines of the files whose name satisfies `wanted`, in order of appearance. */
  linesWhere(wanted: (path: string) => boolean): string[] {
    return this.files.filter(({ path }) => wanted(path)).flatMap(({ lines }) => lines);
  }

  private enter({ path, lines }: VisibleFile): void {
    for (const line of lines) this.enterLine(path, line);
  }

  private enterLine(path: string, line: string): void {
    if (this.changes) this.enterChange(path, line);
    else this.add(path, line);
  }

  private add(path: string, line: string): void {
    const count = (this.present.get(line) ?? 0) + 1;
    this.present.set(line, count);
    if (!this.expected.includes(line)) this.violations.push(`${path} has a row that does not belong there: ${line}`);
    else if (count > 1) this.violations.push(`${path} doubles a row: ${line}`);
  }

  /** `kind,row`: 0 +I, 1 -U, 2 +U, 3 -D. */
  private enterChange(path: string, line: string): void {
    const kind = Number(line.slice(0, 1));
    const row = line.slice(2);
    const key = row.slice(0, row.indexOf(','));
    if (kind === 1 || kind === 3) {
      if (!this.present.delete(row)) this.violations.push(`${path} takes back a row that is not there: ${line}`);
      return;
    }
    const other = [...this.present.keys()].find((one) => one.startsWith(`${key},`));
    if (other !== undefined) this.violations.push(`${path} adds ${line}, but there is ${other}`);
    this.present.set(row, 1);
  }
}

/** Of the name of a sink's file: `part-<job key>-<operator>-<subtask>-<attempt>-<checkpoint>[-<number>].csv`. */
export function parsePart(path: string): { attempt: Attempt; checkpointId: number } {
  const match = /\/part-sim-[^-]+-\d+-([\d.]+)-(\d+)(-\d+)?\.csv$/.exec(path);
  const attempt = parseAttemptTag(match?.[1] ?? '');
  if (attempt === null) throw new Error(`${path} is not the name of a sink's file`);
  return { attempt, checkpointId: Number(match![2]) };
}

function isHidden(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith('.');
}

/** What was promised of a file, whatever a lying disk has made of it. */
export function linesOf(inode: Inode): string[] {
  const text = decoder.decode(inode.betrayed ?? inode.bytes.subarray(0, inode.length));
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
