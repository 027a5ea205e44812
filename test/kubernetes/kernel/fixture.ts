// The kernel beside a real API server: a client as the operator has one, the custom kind `Thing`, and somebody else who changes things.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../engine/clock.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { loadAuthentication } from '../../../src/kube/rest/auth.ts';
import { Client } from '../../../src/kube/rest/client.ts';
import { HttpsTransport } from '../../../src/kube/rest/transport.ts';
import { until } from '../../harness/until.ts';
import { startControlPlane, type ControlPlane } from '../control-plane.ts';

export interface Thing extends KubeObject {
  spec: { text?: string; replicas?: number };
  status?: { seen?: number; replicas?: number };
}

export const THINGS: Resource<Thing> = {
  group: 'kernel.example.dev',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
};

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export const CONFIG_MAPS: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

const CRDS: Resource<KubeObject & { spec: object; status?: { conditions?: { type: string; status: string }[] } }> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

const object = (properties: object): object => ({ type: 'object', properties });
const spec = object({ text: { type: 'string' }, replicas: { type: 'integer', default: 1 } });
const status = object({ seen: { type: 'integer' }, replicas: { type: 'integer' } });

const crd = {
  metadata: { name: `${THINGS.plural}.${THINGS.group}` },
  spec: {
    group: THINGS.group,
    scope: 'Namespaced',
    names: { plural: THINGS.plural, singular: 'thing', kind: THINGS.kind },
    versions: [
      {
        name: THINGS.version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: object({ spec, status }) },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      },
    ],
  },
};

export interface Fixture {
  plane: ControlPlane;
  /** Through KubeConfig, as the operator speaks. */
  client: Client;
  newClient: () => Promise<Client>;
  stop: () => Promise<void>;
}

export async function startFixture(): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-kernel-'));
  const plane = await startControlPlane({ folder: join(folder, 'plane') });
  const newClient = async (): Promise<Client> => {
    const authentication = await loadAuthentication({ file: plane.kubeconfig(), clock: systemClock });
    const transport = new HttpsTransport(authentication);
    return new Client({ transport, clock: systemClock, random: Math.random, userAgent: 'flowjob-kernel-test' });
  };
  const client = await newClient();
  await client.create(CRDS, crd);
  await until(
    'the kind is served',
    async () => {
      const { status: found } = await client.get(CRDS, { name: crd.metadata.name });
      return found?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True');
    },
    { seconds: 90 },
  );
  await until('things can be listed', async () => client.list(THINGS), { seconds: 90 });
  return {
    plane,
    client,
    newClient,
    stop: async () => {
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const thing = (
  name: string,
  text = '',
): Pick<Thing, 'spec'> & { metadata: { namespace: string; name: string } } => ({
  metadata: { namespace: 'default', name },
  spec: { text },
});

export const ref = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });
