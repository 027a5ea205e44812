// What one line of the tables says: a field or a configuration key of the other operator, and what becomes of it. The tables are what is done, and what the
// reference shows.
import type { Kind } from '../api/group.ts';
import type { Json } from './leaves.ts';
import type { Role } from './pod-templates.ts';
import type { Settings } from './settings.ts';

export const SOURCE_KINDS = ['FlinkDeployment', 'FlinkSessionJob', 'FlinkStateSnapshot'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** What an import writes: of the schema's types it takes none, as it may say less and more than these. */
export interface Manifest {
  apiVersion: 'flowjob.dev/v1alpha1';
  kind: Kind;
  metadata: { name: string; namespace?: string };
  spec: Json;
}

/** Why nothing is made of an object. `done`: nobody has to do anything about it. */
export interface LeftAlone {
  reason: string;
  done: boolean;
}

/** What a rule knows of the object that its value stands in. */
export interface Subject {
  kind: SourceKind;
  target: Kind;
  /** Of a FlinkSessionJob with what its session says of clusters (session.ts). */
  object: Json;
  settings: Settings;
  mode: 'Streaming' | 'Batch';
}

/** What a rule may do with its value. Each of these accounts for the value; a value of which a rule does nothing is told of as unknown. */
export interface Hand extends Subject {
  /** Its key by the name of today; of a field the last part of its name. */
  readonly key: string;
  /** `value` is `field` of the output, `spec.job.parallelism`. */
  put(field: string, value: unknown): void;
  /** It is part of what another value puts at `field`. */
  accounted(field: string): void;
  /** `value` is an entry of spec.engine.config. */
  config(key: string, value: string): void;
  /** Pods of `role` get `patch` on top of their template; null: what they have of the template already. */
  pod(role: Role, patch: Json | null): void;
  toDo(text: string): void;
  nothingToDo(text: string): void;
  /** Nothing is made of the object until this is corrected. */
  refuse(problem: string, remedy: string): void;
}

/** What the reference says of it. What really becomes of a value may depend on it. */
export type Fate = 'Mapped' | 'ToDo' | 'NothingToDo';

export interface Rule {
  /** `spec.ingress`, with all that is in it, or a key of flinkConfiguration; `*` at the end stands for any rest. */
  from: string;
  /** What the key was called in earlier versions. */
  formerly: readonly string[];
  fate: Fate;
  /** Fields that it may become, for the reference. */
  to: readonly string[];
  /** How, or what to do instead. */
  text: string;
  /** Whether a session's cluster passes it over in the configuration of one of its jobs. */
  of: 'job' | 'cluster';
  apply(value: unknown, hand: Hand): void;
}

export interface KeyRule extends Rule {
  apply(value: string, hand: Hand): void;
}

type Belongs = Partial<Pick<Rule, 'of' | 'formerly'>>;
const open = { formerly: [], of: 'job' } as const;

export function mapped<T>(
  from: string,
  to: string | readonly string[],
  text: string,
  apply: (value: T, hand: Hand) => void,
  more: Belongs = {},
): Rule & { apply(value: T, hand: Hand): void } {
  return { ...open, from, to: typeof to === 'string' ? [to] : to, text, fate: 'Mapped', ...more, apply };
}

export const toDo = (from: string, text: string, more: Belongs = {}): Rule => ({
  ...open,
  ...{ from, to: [], text, fate: 'ToDo', ...more },
  apply: (_value, hand) => hand.toDo(text),
});

export const nothingToDo = (from: string, text: string, more: Belongs = {}): Rule => ({
  ...open,
  ...{ from, to: [], text, fate: 'NothingToDo', ...more },
  apply: (_value, hand) => hand.nothingToDo(text),
});

/** The rule of a name: one that has it, else the longest beginning that fits. */
export function ruleFor<R extends Rule>(rules: readonly R[], name: string): R | undefined {
  const exact = rules.find(({ from }) => from === name);
  if (exact !== undefined) return exact;
  return rules
    .filter(({ from }) => from.endsWith('*') && name.startsWith(from.slice(0, -1)))
    .sort((a, b) => b.from.length - a.from.length)[0];
}
