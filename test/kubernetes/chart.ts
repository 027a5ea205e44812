// The chart beside an API server without a node: what helm makes of it, and a client with exactly the rights that it gives to the operator.
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../engine/clock.ts';
import { Client } from '../../src/kube/rest/client.ts';
import { HttpsTransport, type HttpRequest, type Transport } from '../../src/kube/rest/transport.ts';
import { ensureBinaries, kubernetesCache } from './binaries.ts';
import { run } from './command.ts';
import type { ControlPlane } from './control-plane.ts';
import { Kubectl } from './kubectl.ts';
import { PlainCredentials } from './plain-credentials.ts';

export const CHART = 'helm/flowjob-operator';
export const RELEASE = 'flowjob';
export const SYSTEM = 'flowjob-system';

export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

export async function helm(...args: string[]): Promise<string> {
  await ensureBinaries(['helm'], console.log);
  return run(kubernetesCache('bin', 'helm'), args);
}

/** The chart's objects under `values`, each as `--set` takes it. */
export async function render(...values: string[]): Promise<Rendered[]> {
  const settings = values.flatMap((value) => ['--set', value]);
  const text = await helm('template', RELEASE, CHART, '--namespace', SYSTEM, ...settings);
  return parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as Rendered],
  );
}

/** One call, as RBAC sees it. */
export interface Request {
  verb: string;
  group: string;
  /** With its subresource: `flowjobs/status`. */
  resource: string;
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

export function requestOf({ method, path }: Pick<HttpRequest, 'method' | 'path'>): Request {
  const { pathname, searchParams } = new URL(path, 'http://api');
  const parts = pathname.replace(/^\/(api|apis\/([^/]+))\/[^/]+\/(namespaces\/[^/]+\/)?/, '').split('/');
  const [plural, name, subresource] = parts;
  const read = searchParams.get('watch') !== null ? 'watch' : name === undefined ? 'list' : 'get';
  return {
    verb: VERBS[method] ?? read,
    group: /^\/apis\/([^/]+)/.exec(pathname)?.[1] ?? '',
    resource: subresource === undefined ? plural! : `${plural}/${subresource}`,
  };
}

export interface OperatorRights {
  client: Client;
  /** What the client asked for so far. */
  requests: Request[];
  kubectl: Kubectl;
}

/** Installs CRDs and rights, makes the namespaces, and answers a client that speaks as the operator's service account. `values`: of the chart. */
export async function operatorRights(
  plane: ControlPlane,
  namespaces: readonly string[],
  ...values: string[]
): Promise<OperatorRights> {
  const kubectl = new Kubectl(kubernetesCache('bin', 'kubectl'), plane.kubeconfig());
  const all = [SYSTEM, ...namespaces].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await kubectl.apply(all);
  const watched = namespaces.length === 0 ? 'replicas=1' : `watchNamespaces={${namespaces.join(',')}}`;
  const objects = await render(watched, ...values);
  const kinds = [
    'CustomResourceDefinition',
    'ServiceAccount',
    'Role',
    'RoleBinding',
    'ClusterRole',
    'ClusterRoleBinding',
  ];
  await kubectl.apply(
    objects.filter(
      ({ kind, metadata }) => kinds.includes(kind) && metadata.annotations?.['helm.sh/hook'] === undefined,
    ),
  );
  await kubectl.run(
    'wait',
    '--for=condition=Established',
    'crd/flowjobs.flowjob.dev',
    'crd/flowsavepoints.flowjob.dev',
  );
  const token = (await kubectl.run('create', 'token', RELEASE, '--namespace', SYSTEM)).trim();
  const requests: Request[] = [];
  const https = new HttpsTransport(
    new PlainCredentials(plane.server, readFileSync(plane.certificateAuthority, 'utf8'), token),
  );
  const transport: Transport = {
    send: (request) => {
      const asked = requestOf(request);
      requests.push(asked);
      // An apply needs both rights: it makes what is not there.
      if (request.headers['content-type'] === 'application/apply-patch+yaml')
        requests.push({ ...asked, verb: 'create' });
      return https.send(request);
    },
    renew: (cause) => https.renew(cause),
  };
  const client = new Client({ transport, clock: systemClock, random: Math.random, userAgent: 'flowjob-test' });
  return { client, requests, kubectl };
}
