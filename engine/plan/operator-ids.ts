// Ids of operators: what names their state in savepoints. Derived from what an operator is, never from where in the text it stands.
import { createHash } from 'node:crypto';
import { nameDigest } from './digest.ts';
import type { AggregateNode, LogicalNode } from './logical-plan.ts';

/** 32 hex digits of a uid. */
export function operatorId(uid: string): string {
  return createHash('sha256').update(uid).digest('hex').slice(0, 32);
}

/** Makes uids unique: the second operator that is called `u` is `u#2`. Equal ones are told apart by their order in the text alone. */
export class Uids {
  private readonly seen = new Map<string, number>();

  unique(uid: string): string {
    const count = (this.seen.get(uid) ?? 0) + 1;
    this.seen.set(uid, count);
    return count === 1 ? uid : `${uid}#${count}`;
  }
}

/**
 * `agg:<sink>/<source>:[<keys>]`, and with a window `window-agg:<sink>/<source>:[<keys>]:tumble(<time>, <size>, <offset>)`. Aggregates and filters
 * are not in it: they may change while the rest of the state goes on.
 */
export function aggregateUid(node: AggregateNode, sink: string): string {
  return `${node.window === null ? 'agg' : 'window-agg'}:${nameDigest(sink)}/${lineage(node.input)}:${groupingOf(node)}`;
}

function groupingOf({ input, keys, window }: AggregateNode): string {
  const digests = `[${keys.map((key) => input.fields[key]!.digest).join(', ')}]`;
  if (window === null) return digests;
  return `${digests}:tumble(${input.fields[window.rowtime]!.digest}, ${window.size}, ${window.offset})`;
}

/** The tables that a plan reads and how it groups them, without filters and projections. */
function lineage(node: LogicalNode): string {
  switch (node.kind) {
    case 'scan':
      return nameDigest(node.table.spec.name);
    case 'values':
      return 'VALUES';
    case 'calc':
    case 'sort':
      return lineage(node.input);
    case 'aggregate':
      return `${groupingOf(node)}(${lineage(node.input)})`;
    case 'union':
      return `(${node.inputs.map(lineage).join(' + ')})`;
  }
}
