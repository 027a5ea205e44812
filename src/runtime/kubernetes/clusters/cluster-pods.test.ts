// Pods of a FlowCluster and what stands beside them: who runs, with which memory, from where, and who may reach it.
import { parse } from 'yaml';
import { admit } from '../../../api/admission.ts';
import { resolveCluster, type FlowCluster } from '../../../api/flowcluster.ts';
import type { ClusterPlan } from '../../cluster-port.ts';
import { clusterClaimManifest, clusterConfigMap, clusterNetworkPolicy } from './children.ts';
import { clusterJobManagerPod, clusterTaskManagerPod } from './cluster-pods.ts';
import { clusterProcessOf } from './cluster-process.ts';
import { storageTemplate } from './storage-template.ts';

const newCluster = (spec: object = {}): FlowCluster =>
  admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowCluster',
    metadata: { name: 'shared' },
    spec: { engine: { version: '2.3' }, ...spec },
  }) as FlowCluster;

const planOf = (spec: object = {}): ClusterPlan => ({
  key: { namespace: 'a', name: 'shared' },
  uid: 'u',
  specHash: 'f'.repeat(32),
  spec: resolveCluster(newCluster(spec).spec),
});

interface PodSpec {
  restartPolicy: string;
  securityContext: object;
  affinity?: object;
  containers: { name: string; image: string; command: string[]; env: object[]; volumeMounts: object[] }[];
  volumes: object[];
}
const specOf = (pod: { spec: Record<string, unknown> }): PodSpec => pod.spec as unknown as PodSpec;
const s3 = { state: { storage: { uri: 's3://bucket/states', credentialsSecretRef: { name: 'keys' } } } };

test('the JobManager is a session, is never started again in its pod, and is let in where security is restricted', () => {
  const { restartPolicy, securityContext, containers } = specOf(clusterJobManagerPod(planOf()));
  expect(restartPolicy).toBe('Never');
  expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  const [container] = containers;
  expect(container).toMatchObject({
    name: 'jobmanager',
    image: 'docker.io/library/flink:2.3-java17',
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    livenessProbe: { httpGet: { port: 'rest' } },
    resources: { limits: { memory: '1Gi' } },
  });
  expect(container!.command).toContain('org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint');
  expect(container!.command).toContain('-Xmx469762048');
});

test('a TaskManager knows its JobManager, and both are told what they are by their labels', () => {
  const pod = clusterTaskManagerPod(planOf(), 1, { uid: 'jm', address: '10.0.0.7' });
  expect(pod.metadata.name).toBe('shared-cluster-taskmanager-1');
  expect(specOf(pod).containers[0]!.command).toContain('jobmanager.rpc.address=10.0.0.7');
  const seen = { ...pod, metadata: { ...pod.metadata, uid: 'tm', resourceVersion: '1', ownerReferences: [] } };
  expect(clusterProcessOf({ metadata: seen.metadata })).toMatchObject({
    ...{
      role: 'TaskManager',
      index: 1,
      jobManagerUid: 'jm',
      specHash: 'f'.repeat(32),
      state: 'Running',
      ending: false,
    },
    address: undefined,
  });
});

test('what a template adds comes on top, but labels by which the operator finds its pods stay', () => {
  const podTemplate = {
    metadata: { labels: { team: 'shop', 'flowjob.dev/role': 'mine' } },
    spec: { nodeSelector: { disk: 'fast' } },
  };
  const pod = clusterTaskManagerPod(planOf({ taskManager: { podTemplate } }), 0, { uid: 'jm', address: '10.0.0.7' });
  expect(pod.metadata.labels).toMatchObject({ team: 'shop', 'flowjob.dev/role': 'taskmanager' });
  expect(pod.spec).toMatchObject({ nodeSelector: { disk: 'fast' } });
});

test('state is on a claim that outlives the cluster and keeps its pods on one node, or on S3', () => {
  const claim = clusterClaimManifest(planOf());
  expect(claim?.metadata).toMatchObject({ name: 'shared-cluster-state' });
  expect(claim?.metadata).not.toHaveProperty('ownerReferences');
  const onVolume = specOf(clusterJobManagerPod(planOf()));
  expect(onVolume.volumes).toContainEqual({
    name: 'state',
    persistentVolumeClaim: { claimName: 'shared-cluster-state' },
  });
  expect(onVolume.affinity).toBeDefined();
  expect(
    clusterClaimManifest(planOf({ state: { storage: { persistentVolumeClaim: { claimName: 'mine' } } } })),
  ).toBeNull();
  expect(clusterClaimManifest(planOf(s3))).toBeNull();
  const onS3 = specOf(clusterJobManagerPod(planOf(s3)));
  expect(onS3.affinity).toBeUndefined();
  expect(onS3.containers[0]!.env).toContainEqual({
    name: 'AWS_ACCESS_KEY_ID',
    valueFrom: { secretKeyRef: { name: 'keys', key: 'AWS_ACCESS_KEY_ID' } },
  });
});

test('the configuration comes with the jar that submissions name, which each JobManager has under a name of its own', () => {
  const { data, binaryData } = clusterConfigMap(planOf()) as unknown as Record<string, Record<string, string>>;
  expect(parse(data!['config.yaml']!)).toMatchObject({ 'web.upload.dir': '/tmp/uploads' });
  expect(Object.keys(binaryData!)).toEqual(['sql-driver.jar']);
  const [container] = specOf(clusterJobManagerPod(planOf())).containers;
  expect(container!.command.slice(4, 7)).toEqual([
    '/tmp/uploads/flink-web-upload',
    '/flowjob/config/sql-driver.jar',
    'sql-driver-$(POD_UID).jar',
  ]);
  expect(container!.env).toContainEqual({
    name: 'POD_UID',
    valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } },
  });
});

test('REST is for the operator alone where a policy can know it', () => {
  const ingressOf = (namespace: string | undefined): object =>
    (clusterNetworkPolicy(planOf(), namespace) as unknown as { spec: { ingress: object[] } }).spec.ingress[1]!;
  expect(ingressOf('flowjob')).toMatchObject({
    from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'flowjob-operator' } } }],
    ports: [{ port: 8081 }],
  });
  expect(ingressOf(undefined)).not.toHaveProperty('from');
});

test('a pod that looks at the state comes to the node of the volume, and is what the JobManager is to the store', () => {
  expect(storageTemplate(newCluster()).spec).toMatchObject({
    affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100 }] } },
  });
  const template = { spec: { serviceAccountName: 'reader' } };
  expect(storageTemplate(newCluster({ ...s3, jobManager: { podTemplate: template } }))).toEqual(template);
});
