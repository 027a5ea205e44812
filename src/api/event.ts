// An event: what happened to an object, for people. Equal ones are counted, not repeated; old ones are dropped.
import type { Kind } from './group.ts';

/** What a component reports; the store adds identity, count and times. */
export interface EventInput {
  regarding: { kind: Kind; namespace: string; name: string; uid: string };
  type: 'Normal' | 'Warning';
  /** A reason of reasons.ts. */
  reason: string;
  /** For people, 1,024 characters at most. */
  message: string;
}

export interface FlowEvent extends EventInput {
  count: number;
  /** RFC 3339. */
  firstTimestamp: string;
  lastTimestamp: string;
}
