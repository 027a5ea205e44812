// metrics-server, as clusters have it for HorizontalPodAutoscalers and `kubectl top`: what containers use, as the kubelet tells it. A part that `up` does not
// bring: a test that needs it asks for it, and takes it away.
import { join } from 'node:path';
import { until } from '../harness/until.ts';
import { ensureBinaries } from './binaries.ts';
import { loadProgramImage } from './image.ts';
import type { Kubectl } from './kubectl.ts';
import { NODE_ADDRESS } from './network.ts';

const IMAGE = 'localhost/flowjob-metrics-server:built';
const PORT = 4443;
const labels = { 'k8s-app': 'metrics-server' };
const metadata = { name: 'metrics-server', namespace: 'kube-system', labels };
const RBAC = { apiGroup: 'rbac.authorization.k8s.io' };
const ofCluster = (kind: 'ClusterRole' | 'ClusterRoleBinding', name: string, more: object): object => ({
  apiVersion: `${RBAC.apiGroup}/v1`,
  kind,
  metadata: { name, labels },
  ...more,
});
const bound = (role: string, subject: object): object => ({
  roleRef: { ...RBAC, kind: 'ClusterRole', name: role },
  subjects: [subject],
});
const ITSELF = { kind: 'ServiceAccount', name: metadata.name, namespace: metadata.namespace };
const NOBODY = { ...RBAC, kind: 'User', name: 'system:anonymous' };

const objects: readonly object[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
  ofCluster('ClusterRole', 'system:metrics-server', {
    rules: [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ],
  }),
  ofCluster('ClusterRoleBinding', 'system:metrics-server', bound('system:metrics-server', ITSELF)),
  ofCluster('ClusterRoleBinding', 'metrics-server:system:auth-delegator', bound('system:auth-delegator', ITSELF)),
  // Who asks has shown himself to the API server, which has asked RBAC; here he is nobody.
  ofCluster('ClusterRole', 'metrics-server:passed-on', {
    rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] }],
  }),
  ofCluster('ClusterRoleBinding', 'metrics-server:passed-on', bound('metrics-server:passed-on', NOBODY)),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { selector: labels, ports: [{ port: 443, targetPort: PORT }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: metadata.name,
          // Only root on the node may speak to the kubelet: see createRules().
          hostNetwork: true,
          securityContext: { runAsUser: 0 },
          containers: [
            {
              name: 'metrics-server',
              image: IMAGE,
              imagePullPolicy: 'Never',
              args: [
                `--bind-address=${NODE_ADDRESS}`,
                `--secure-port=${PORT}`,
                '--cert-dir=/tmp',
                '--kubelet-insecure-tls',
                '--kubelet-preferred-address-types=InternalIP',
                '--metric-resolution=10s',
                '--kubelet-request-timeout=5s',
                // The API server passes calls on without a certificate of its own: who asks is nobody here, who may see what there is and has the role above.
                '--authentication-skip-lookup',
                '--authorization-always-allow-paths=/livez,/readyz,/apis/metrics.k8s.io/*,/openapi/*',
              ],
              resources: { requests: { cpu: '10m', memory: '50Mi' } },
              readinessProbe: {
                httpGet: { path: '/readyz', port: PORT, host: NODE_ADDRESS, scheme: 'HTTPS' },
                periodSeconds: 2,
              },
              securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
    },
  },
  {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1beta1.metrics.k8s.io', labels },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      service: { name: metadata.name, namespace: metadata.namespace },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  },
];

/** Builds it first if it is not there (minutes). Answers when the API server has its figures of the node. */
export async function startMetricsServer(folder: string, kubectl: Kubectl): Promise<void> {
  const bin = await ensureBinaries(['metrics-server'], console.log);
  await loadProgramImage(folder, join(bin, 'metrics-server'), IMAGE);
  await kubectl.apply(objects);
  await until(
    'metrics-server tells what the node uses',
    async () => {
      const path = '/apis/metrics.k8s.io/v1beta1/nodes';
      const { items } = JSON.parse(await kubectl.run('get', '--raw', path)) as { items: unknown[] };
      return items.length > 0;
    },
    { seconds: 180, every: 1_000 },
  );
}

/** Takes it away again. */
export async function removeMetricsServer(kubectl: Kubectl): Promise<void> {
  const [label] = Object.entries(labels).map((entry) => entry.join('='));
  await kubectl.run('delete', 'apiservices,clusterroles,clusterrolebindings', '-l', label!);
  await kubectl.run('delete', 'deployments,services,serviceaccounts', '-l', label!, '-n', metadata.namespace);
}
