// What every object has, whatever its kind: metadata as Kubernetes writes it, and conditions.
import { Type, type Static } from '@sinclair/typebox';
import { stringEnum } from './schema-kit.ts';

/** Kubernetes' ObjectMeta, as far as FlowJob uses it. Times are RFC 3339 in UTC. */
export interface ObjectMeta {
  name: string;
  /** `default` on one machine. */
  namespace: string;
  uid: string;
  /** Opaque to clients; compared for equality only. */
  resourceVersion: string;
  /** Raised by each change of `spec`, and by nothing else. */
  generation: number;
  creationTimestamp: string;
  /** Set once deletion was asked for; the object goes when its last finalizer is removed. */
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
}

export interface ObjectKey {
  namespace: string;
  name: string;
}

/** `namespace/name`: a key as the key of a Map. */
export const idOf = ({ namespace, name }: ObjectKey): string => `${namespace}/${name}`;

/** The key of which `id` was made. */
export function keyFrom(id: string): ObjectKey {
  const slash = id.indexOf('/');
  return { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** `metav1.Condition`, with observedGeneration always present. */
export const ConditionSchema = Type.Object(
  {
    type: Type.String({ description: 'Name of the condition, unique in the list.', maxLength: 64 }),
    status: stringEnum(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
    observedGeneration: Type.Integer({
      description: 'The generation of the spec that this was judged for.',
      format: 'int64',
    }),
    lastTransitionTime: Type.String({ description: 'When `status` last changed.', format: 'date-time' }),
    reason: Type.String({
      description: 'Why, for programs: one word in CamelCase, listed in the reference.',
      maxLength: 128,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    }),
    message: Type.String({ description: 'Why, for people. Holds no time and no counter.', maxLength: 4096 }),
  },
  { description: 'One thing that holds, or does not, of this object.' },
);
export type Condition = Static<typeof ConditionSchema>;

/** Of conditions that nobody has judged: a default of the resource knows no time. */
export const NEVER = '1970-01-01T00:00:00Z';
