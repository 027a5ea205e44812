// What the kernel relies on of an API server, in a few lines: objects with versions, lists in pages, watches from a version, memory that is compacted,
// backups that are restored. For property tests over many histories; the tests in test/kubernetes/kernel hold the kernel against the real one.
import type { KubeObject } from '../object.ts';
import type { Clock } from '../time.ts';
import { ByteStream } from './byte-stream.ts';

/** One event of the history. */
interface Event {
  revision: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

interface Watcher {
  stream: ByteStream;
  after: number;
  cancel: () => void;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: string | ByteStream;
}

const BOOKMARK_EVERY = 60_000;

export class ModelServer {
  private readonly clock: Clock;
  private revision = 95;
  private objects = new Map<string, KubeObject>();
  private history: Event[] = [];
  private compactedTo = 0;
  private readonly snapshots = new Map<string, { items: KubeObject[]; revision: number }>();
  private readonly watchers = new Set<Watcher>();
  private readonly backups: { revision: number; objects: Map<string, KubeObject> }[] = [];
  private uids = 0;
  /** Changes a line of a watch on its way: for lines that come twice, or broken. */
  spoil: ((line: string) => string) | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** By path, sorted: what a list would answer. */
  get contents(): KubeObject[] {
    return [...this.objects.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  answer(method: string, url: string, body: string | undefined): Answer {
    const { pathname, searchParams } = new URL(url, 'http://model');
    if (method === 'GET' && searchParams.has('watch')) return this.watch(pathname, searchParams);
    const isCollection = !this.objects.has(pathname) && /\/(things|leases)$/.test(pathname);
    if (method === 'GET' && isCollection) return this.list(pathname, searchParams);
    if (method === 'GET') return this.one(this.objects.get(pathname));
    const sent = JSON.parse(body ?? '{}') as KubeObject & { preconditions?: { uid?: string } };
    if (method === 'POST') return this.create(`${pathname}/${sent.metadata.name}`, sent);
    const current = this.objects.get(pathname);
    if (current === undefined) return refusal(404, 'NotFound');
    if (method === 'DELETE') return this.delete(pathname, current, sent.preconditions?.uid);
    return this.replace(pathname, current, sent);
  }

  /** All watches end: in order, or as a broken connection. */
  endWatches(error?: Error): void {
    for (const watcher of [...this.watchers]) {
      if (error === undefined) watcher.stream.end();
      else watcher.stream.fail(error);
      this.drop(watcher);
    }
  }

  /** All watches fall silent: their connections stay, nothing comes any more. */
  silenceWatches(): void {
    for (const watcher of [...this.watchers]) this.drop(watcher);
  }

  /** Forgets the history, and where lists stood that were under way. */
  compact(): void {
    this.compactedTo = this.revision;
    this.history = [];
    this.snapshots.clear();
  }

  backUp(): void {
    this.backups.push({ revision: this.revision, objects: new Map(this.objects) });
  }

  /** Back to the last backup, versions and all. */
  restore(): boolean {
    const backup = this.backups.pop();
    if (backup === undefined) return false;
    this.revision = backup.revision;
    this.objects = new Map(backup.objects);
    this.history = [];
    this.compactedTo = backup.revision;
    this.snapshots.clear();
    return true;
  }

  private one(object: KubeObject | undefined): Answer {
    return object === undefined ? refusal(404, 'NotFound') : { status: 200, body: JSON.stringify(object) };
  }

  private list(path: string, query: URLSearchParams): Answer {
    const token = query.get('continue');
    const items = this.contents.filter((object) => pathOfObject(path, object) !== null);
    const found = token === null ? { items, revision: this.revision } : this.snapshots.get(token);
    if (found === undefined) return refusal(410, 'Expired');
    const limit = Number(query.get('limit') ?? 0) || Infinity;
    const page = found.items.slice(0, limit);
    const rest = found.items.slice(limit);
    const next = rest.length === 0 ? undefined : `${found.revision}-${rest.length}-${this.snapshots.size}`;
    if (next !== undefined) this.snapshots.set(next, { items: rest, revision: found.revision });
    const metadata = { resourceVersion: String(found.revision), ...(next === undefined ? {} : { continue: next }) };
    return { status: 200, body: JSON.stringify({ kind: 'List', metadata, items: page }) };
  }

  private watch(path: string, query: URLSearchParams): Answer {
    const after = Number(query.get('resourceVersion'));
    const stream = new ByteStream();
    if (after < this.compactedTo) {
      // Sometimes as an answer, sometimes as an event, as the real one.
      if (after % 2 === 0) return refusal(410, 'Expired');
      stream.push(`${JSON.stringify({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })}\n`);
      stream.end();
      return { status: 200, body: stream };
    }
    const watcher: Watcher = { stream, after, cancel: () => undefined };
    const end = this.clock.after(Number(query.get('timeoutSeconds')) * 1000, () => {
      if (this.watchers.has(watcher)) stream.end();
      this.drop(watcher);
    });
    const bookmark = (): void => {
      const resourceVersion = String(Math.max(this.revision, watcher.after));
      if (this.revision >= after) this.send(watcher, { type: 'BOOKMARK', object: { metadata: { resourceVersion } } });
      cancelBookmark = this.clock.after(BOOKMARK_EVERY, bookmark);
    };
    let cancelBookmark = this.clock.after(BOOKMARK_EVERY, bookmark);
    watcher.cancel = () => (end(), cancelBookmark());
    this.watchers.add(watcher);
    for (const event of this.history) this.tell(watcher, event);
    void path;
    return { status: 200, body: stream };
  }

  private create(path: string, sent: KubeObject): Answer {
    if (this.objects.has(path)) return refusal(409, 'AlreadyExists');
    const metadata = { ...sent.metadata, uid: `uid-${++this.uids}`, resourceVersion: '' };
    return this.store(path, 'ADDED', { ...sent, metadata });
  }

  private replace(path: string, current: KubeObject, sent: KubeObject): Answer {
    const { resourceVersion, uid } = sent.metadata;
    if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
      return refusal(409, 'Conflict');
    if (uid !== undefined && uid !== current.metadata.uid) return refusal(422, 'Invalid', 'metadata.uid');
    return this.store(path, 'MODIFIED', { ...sent, metadata: { ...current.metadata, ...sent.metadata } });
  }

  private delete(path: string, current: KubeObject, uid: string | undefined): Answer {
    if (uid !== undefined && uid !== current.metadata.uid) return refusal(409, 'Conflict');
    return this.store(path, 'DELETED', current);
  }

  private store(path: string, type: Event['type'], object: KubeObject): Answer {
    const revision = ++this.revision;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    if (type === 'DELETED') this.objects.delete(path);
    else this.objects.set(path, stored);
    const event = { revision, type, object: stored };
    this.history.push(event);
    for (const watcher of this.watchers) this.tell(watcher, event);
    return { status: type === 'ADDED' ? 201 : 200, body: JSON.stringify(stored) };
  }

  private tell(watcher: Watcher, { revision, type, object }: Event): void {
    if (revision <= watcher.after) return;
    watcher.after = revision;
    this.send(watcher, { type, object });
  }

  private send(watcher: Watcher, event: object): void {
    const line = `${JSON.stringify(event)}\n`;
    const spoiled = this.spoil === null ? line : this.spoil(line);
    this.spoil = null;
    watcher.stream.push(spoiled);
  }

  private drop(watcher: Watcher): void {
    watcher.cancel();
    this.watchers.delete(watcher);
  }
}

const pathOfObject = (collection: string, object: KubeObject): string | null =>
  collection.endsWith('/leases') === (object.kind === 'Lease') ? object.metadata.name : null;

function refusal(status: number, reason: string, field?: string): Answer {
  const details = field === undefined ? {} : { causes: [{ field }] };
  return { status, body: JSON.stringify({ kind: 'Status', code: status, reason, message: reason, details }) };
}
