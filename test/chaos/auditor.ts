// Looks at a job from outside all the time that it runs, as its readers and its storage see it: what breaks a promise for a moment only is seen.
//
// Output: a visible file is whole when it appears, never changes, never goes; no row is ever in two of them. Storage: no attempt publishes
// anything once a later attempt has published.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { attemptTag, compareAttempts, type Attempt } from '../../engine/checkpoint/attempt.ts';

interface Seen {
  size: number;
  changed: number;
  checksum: number;
}

export interface Audited {
  /** A folder of JSON rows, and the columns that identify one. */
  tables: { folder: string; key: string[] }[];
  /** Root of the job's state. */
  state: string;
}

const INTERVAL_MS = 40;
/** More of them say nothing new. */
const MOST_FINDINGS = 10;

export class Auditor {
  private readonly audited: Audited;
  private readonly files = new Map<string, Seen>();
  /** table and key -> file. */
  private readonly rows = new Map<string, string>();
  private readonly manifests = new Set<string>();
  private newestAttempt: Attempt = { epoch: 0, restart: 0 };
  private readonly found = new Set<string>();
  private readonly timer: NodeJS.Timeout;

  constructor(audited: Audited) {
    this.audited = audited;
    this.timer = setInterval(() => this.look(), INTERVAL_MS);
  }

  /** Stops looking; everything that was found wrong. */
  stop(): string[] {
    clearInterval(this.timer);
    this.look();
    for (const [path, seen] of this.files)
      if (crc32(readIfThere(path) ?? '') !== seen.checksum) this.found.add(`${path} has other bytes than it had`);
    return [...this.found].slice(0, MOST_FINDINGS);
  }

  private look(): void {
    for (const table of this.audited.tables) this.lookAtTable(table);
    this.lookAtState();
  }

  private lookAtTable({ folder, key }: Audited['tables'][number]): void {
    const names = new Set(namesIn(folder).filter((name) => !name.startsWith('.')));
    for (const [path, seen] of this.files) {
      if (!path.startsWith(`${folder}/`)) continue;
      const stats = names.has(path.slice(folder.length + 1)) ? statSync(path, { throwIfNoEntry: false }) : undefined;
      if (stats === undefined) this.found.add(`${path} was visible and is gone`);
      else if (stats.size !== seen.size || stats.mtimeMs !== seen.changed) this.found.add(`${path} has changed`);
    }
    for (const name of names) {
      const path = join(folder, name);
      if (this.files.has(path)) continue;
      const stats = statSync(path, { throwIfNoEntry: false });
      const text = readIfThere(path);
      if (stats === undefined || text === null) {
        this.found.add(`${path} was visible and is gone`);
        continue;
      }
      this.files.set(path, { size: stats.size, changed: stats.mtimeMs, checksum: crc32(text) });
      if (!text.endsWith('\n')) this.found.add(`${path} became visible with half a row at its end`);
      for (const line of text.split('\n').filter((one) => one !== '')) this.addRow(folder, key, path, line);
    }
  }

  private addRow(folder: string, key: string[], path: string, line: string): void {
    let row: Record<string, unknown>;
    try {
      row = JSON.parse(line) as Record<string, unknown>;
    } catch {
      this.found.add(`${path} became visible with a line that is no row: ${line.slice(0, 80)}`);
      return;
    }
    const id = `${folder} ${key.map((column) => String(row[column])).join(' | ')}`;
    const earlier = this.rows.get(id);
    if (earlier !== undefined) this.found.add(`row ${id} is in ${earlier} and in ${path}`);
    this.rows.set(id, path);
  }

  private lookAtState(): void {
    const { state } = this.audited;
    const published = [
      ...namesIn(join(state, 'checkpoints')).flatMap((job) => {
        const folder = join(state, 'checkpoints', job);
        return namesIn(folder).map((name) => join(folder, name, '_metadata'));
      }),
      ...namesIn(join(state, 'savepoints')).map((name) => join(state, 'savepoints', name, '_metadata')),
    ].filter((path) => !this.manifests.has(path));
    let newest = this.newestAttempt;
    for (const path of published) {
      const text = readIfThere(path);
      if (text === null) continue;
      this.manifests.add(path);
      const attempt = attemptIn(text);
      if (compareAttempts(attempt, this.newestAttempt) < 0)
        this.found.add(
          `attempt ${attemptTag(attempt)} published ${path} after attempt ${attemptTag(this.newestAttempt)} had published`,
        );
      if (compareAttempts(attempt, newest) > 0) newest = attempt;
    }
    this.newestAttempt = newest;
  }
}

/** Who has written a manifest. */
function attemptIn(manifest: string): Attempt {
  const [epoch, restart] = ['epoch', 'restart'].map((name) => new RegExp(`"${name}":\\s*(\\d+)`).exec(manifest)?.[1]);
  if (epoch === undefined) throw new Error(`a manifest without an epoch: ${manifest.slice(0, 200)}`);
  return { epoch: Number(epoch), restart: Number(restart ?? 0) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
