// Events of the local store: one small file per object, equal events counted up, the oldest dropped.
import { join } from 'node:path';
import type { EventInput, FlowEvent } from '../../api/event.ts';
import { KINDS, type Kind } from '../../api/group.ts';
import { jsonFiles, readUndamaged, removeIfThere, writeAtomically } from './files.ts';

const EVENTS_PER_OBJECT = 50;
const MESSAGE_LENGTH = 1024;
/** Events of an object that is gone stay for this long, in milliseconds. */
const KEPT_AFTER_DELETION = 3_600_000;

export class EventFiles {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The store's lock is held. Not synced: an event is worth no wait for the disk, and a file that a crash damaged is begun anew. */
  record(input: EventInput, now: Date): void {
    const path = this.path(input.regarding.kind, input.regarding.name);
    const events = (readUndamaged(path) as FlowEvent[] | null) ?? [];
    const message = input.message.slice(0, MESSAGE_LENGTH);
    const time = now.toISOString();
    const index = events.findIndex(
      (event) =>
        event.type === input.type &&
        event.reason === input.reason &&
        event.message === message &&
        event.regarding.uid === input.regarding.uid,
    );
    const [known] = index < 0 ? [undefined] : events.splice(index, 1);
    events.push(
      known === undefined
        ? { ...input, message, count: 1, firstTimestamp: time, lastTimestamp: time }
        : { ...known, count: known.count + 1, lastTimestamp: time },
    );
    writeAtomically(path, JSON.stringify(events.slice(-EVENTS_PER_OBJECT)), false);
  }

  /** Oldest first. */
  list(regarding?: { kind: Kind; name: string }): FlowEvent[] {
    const paths =
      regarding === undefined
        ? jsonFiles(this.directory).map((file) => join(this.directory, file))
        : [this.path(regarding.kind, regarding.name)];
    return paths
      .flatMap((path) => (readUndamaged(path) as FlowEvent[] | null) ?? [])
      .sort((a, b) => (a.lastTimestamp < b.lastTimestamp ? -1 : a.lastTimestamp > b.lastTimestamp ? 1 : 0));
  }

  /** Drops the events of objects that have been gone for long. The store's lock is held. */
  sweep(exists: (kind: Kind, name: string) => boolean, now: Date): void {
    for (const file of jsonFiles(this.directory)) {
      const last = (readUndamaged(join(this.directory, file)) as FlowEvent[] | null)?.at(-1);
      if (last === undefined || exists(last.regarding.kind, last.regarding.name)) continue;
      if (now.getTime() - Date.parse(last.lastTimestamp) > KEPT_AFTER_DELETION)
        removeIfThere(join(this.directory, file));
    }
  }

  private path(kind: Kind, name: string): string {
    return join(this.directory, `${KINDS[kind].singular}.${name}.json`);
  }
}
