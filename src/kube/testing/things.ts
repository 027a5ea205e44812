// A kind for tests, and a client for a model server.
import { Client } from '../rest/client.ts';
import type { ObjectReference } from '../events.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../object.ts';
import type { Clock } from '../time.ts';
import type { Transport } from '../rest/transport.ts';

export interface Thing extends KubeObject {
  spec: { text: string };
  status?: { seen: number };
}

export const THINGS: Resource<Thing> = {
  group: 'example.dev',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
};

export const thing = (name: string, text = ''): Thing => ({
  apiVersion: 'example.dev/v1',
  kind: 'Thing',
  // What a server sets stands here as a model: the type of stored objects has it.
  metadata: { namespace: 'default', name } as Thing['metadata'],
  spec: { text },
});

/** As the API server would answer it. */
export const stored = (name: string, uid: string, version: number, text = ''): Thing => ({
  ...thing(name, text),
  metadata: { namespace: 'default', name, uid, resourceVersion: String(version) },
});

export function clientOf(transport: Transport, clock: Clock, random: () => number = () => 0.5): Client {
  return new Client({ transport, clock, random, userAgent: 'test' });
}

/** Randomness from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** For events about an object. */
export function referenceTo(resource: Resource, { metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid } = metadata;
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
  };
}
