// A real API server with the generated CustomResourceDefinitions installed, as `kubectl apply -f crds/` installs them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { systemClock } from '../../../engine/clock.ts';
import { crdPath } from '../../../src/api/generated-files.ts';
import { KINDS, type Kind } from '../../../src/api/group.ts';
import { loadAuthentication } from '../../../src/kube/rest/auth.ts';
import { Client } from '../../../src/kube/rest/client.ts';
import { HttpsTransport } from '../../../src/kube/rest/transport.ts';
import type { StructuralSchema } from '../../../src/api/structural.ts';
import { until } from '../../harness/until.ts';
import { kubernetesCache } from '../binaries.ts';
import { startControlPlane } from '../control-plane.ts';
import { Kubectl } from '../kubectl.ts';

export interface Crd {
  metadata: { name: string };
  spec: { versions: { schema: { openAPIV3Schema: StructuralSchema } }[] };
}

export interface ApiWithCrds {
  kubectl: Kubectl;
  client: Client;
  stop(): Promise<void>;
}

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export const readCrd = (kind: Kind): Crd => parse(readFileSync(crdPath(kind), 'utf8')) as Crd;

/** Resolves when both kinds are served, and their schemas with them. */
export async function startApiWithCrds(crds: readonly Crd[] = KIND_NAMES.map(readCrd)): Promise<ApiWithCrds> {
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-crds-'));
  const plane = await startControlPlane({ folder: join(folder, 'plane') });
  const kubectl = new Kubectl(kubernetesCache('bin', 'kubectl'), plane.kubeconfig());
  const authentication = await loadAuthentication({ file: plane.kubeconfig(), clock: systemClock });
  const client = new Client({
    transport: new HttpsTransport(authentication),
    clock: systemClock,
    random: Math.random,
    userAgent: 'flowjob-tests',
  });
  await kubectl.apply(crds);
  const names = crds.map(({ metadata }) => metadata.name);
  await kubectl.run('wait', '--for=condition=Established', 'crd', ...names);
  // The schemas that `kubectl explain` reads are published some time after a kind is served.
  for (const name of names)
    await until(`the schema of ${name} is published`, () => kubectl.run('explain', name), { seconds: 60, every: 200 });
  return {
    kubectl,
    client,
    stop: async () => {
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
