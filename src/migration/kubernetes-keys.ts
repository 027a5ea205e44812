// Keys `kubernetes.*` and `containerized.*` of Flink's native mode: what they say of pods is what podTemplate says.
import { show } from '../api/schema-check.ts';
import { flinkBoolean, flinkList, flinkMap } from './flink-values.ts';
import { PREFIX } from './role-fields.ts';
import { containerPatch, ROLES, type Role } from './pod-templates.ts';
import { mapped, nothingToDo, toDo, type Hand, type KeyRule } from './rules.ts';
import { valueAt, type Json } from './leaves.ts';

const LISTS = /[;,]/;

/** A key that puts something into the pods of some roles. `patch` answers null for a value that it cannot read. */
function intoPods(
  name: string,
  roles: readonly Role[],
  text: string,
  patch: (value: string, role: Role, hand: Hand) => Json | null,
  formerly: readonly string[] = [],
): KeyRule {
  return mapped<string>(
    name,
    roles.map((role) => `spec.${role}.podTemplate`),
    text,
    (value, hand) => {
      for (const role of roles) {
        const made = patch(value, role, hand);
        if (made === null) return hand.toDo(`${show(value)} cannot be read: write it into podTemplate`);
        hand.pod(role, made);
      }
    },
    { of: 'cluster', formerly },
  );
}

export const KUBERNETES_KEYS: readonly KeyRule[] = [
  mapped<string>(
    'kubernetes.container.image.ref',
    'spec.engine.image',
    'Where spec.image is not set.',
    (text, hand) => {
      if (valueAt(hand.object, ['spec', 'image']) !== undefined) return hand.nothingToDo('spec.image counts');
      hand.put('spec.engine.image', text.trim());
    },
    { of: 'cluster', formerly: ['kubernetes.container.image'] },
  ),
  intoPods(
    'kubernetes.container.image.pull-policy',
    ROLES,
    'imagePullPolicy of the engine’s containers.',
    (value, role, hand) => {
      const own = valueAt(hand.object, ['spec', 'imagePullPolicy']);
      return containerPatch(role, { imagePullPolicy: typeof own === 'string' ? own : value.trim() });
    },
  ),
  intoPods('kubernetes.container.image.pull-secrets', ROLES, 'imagePullSecrets.', (value) => ({
    spec: { imagePullSecrets: flinkList(value, LISTS).map((name) => ({ name })) },
  })),
  intoPods(
    'kubernetes.service-account',
    ROLES,
    'serviceAccountName, where spec.serviceAccount is not set.',
    accountName,
  ),
  intoPods('kubernetes.hostnetwork.enabled', ROLES, 'hostNetwork.', (value) => {
    const hostNetwork = flinkBoolean(value);
    return hostNetwork === null ? null : { spec: { hostNetwork } };
  }),
  intoPods('kubernetes.secrets', ROLES, 'Volumes of Secrets, mounted at their paths.', mountedSecrets),
  intoPods('kubernetes.env.secretKeyRef', ROLES, 'Variables of the engine’s containers.', (value, role) => {
    const references = flinkList(value).map((part) => flinkMap(part));
    if (references.some((map) => !map?.['env'] || !map['secret'] || !map['key'])) return null;
    const env = references.map((map) => ({
      name: map!['env'],
      valueFrom: { secretKeyRef: { name: map!['secret'], key: map!['key'] } },
    }));
    return containerPatch(role, { env });
  }),
  ...ROLES.flatMap(ofRole),
  ...[
    'kubernetes.namespace',
    'kubernetes.cluster-id',
    'kubernetes.context',
    'kubernetes.config.file',
    'kubernetes.client.*',
  ].map((name) => nothingToDo(name, 'Flink does not speak to Kubernetes: the operator does.', { of: 'cluster' })),
  ...[
    'kubernetes.jobmanager.replicas',
    'kubernetes.jobmanager.owner.reference',
    'kubernetes.jobmanager.entrypoint.args',
    'kubernetes.taskmanager.entrypoint.args',
    'kubernetes.flink.conf.dir',
    'kubernetes.flink.log.dir',
    'kubernetes.entry.path',
    'kubernetes.node-name-label',
    'kubernetes.transactional-operation.*',
    'kubernetes.leader-election.*',
  ].map((name) =>
    nothingToDo(name, 'Is of Flink’s native mode: the operator makes and starts the pods.', { of: 'cluster' }),
  ),
  toDo('kubernetes.rest-service.*', 'The Service NAME-rest is a ClusterIP: make one of another type beside it.', {
    of: 'cluster',
  }),
  toDo(
    'kubernetes.hadoop.conf.config-map.name',
    'Mount the ConfigMap by podTemplate, and set HADOOP_CONF_DIR in its env.',
    { of: 'cluster' },
  ),
  toDo('kubernetes.pod-template-file.*', 'Write the template into podTemplate.', { of: 'cluster' }),
  toDo('kubernetes.decorator.*', 'Write what it adds into podTemplate.', { of: 'cluster' }),
  toDo('kubernetes.*', 'Is of Flink’s native mode, which is not used: write what it does into podTemplate.', {
    of: 'cluster',
  }),
  toDo('containerized.*', 'Write it as env into podTemplate.', { of: 'cluster' }),
];

function ofRole(role: Role): KeyRule[] {
  const prefix = `kubernetes.${PREFIX[role]}`;
  const metadata = (field: 'labels' | 'annotations') => (value: string) => {
    const map = flinkMap(value);
    return map === null ? null : { metadata: { [field]: map } };
  };
  const container = { jobManager: 'master', taskManager: 'taskmanager' }[role];
  return [
    intoPods(`${prefix}.labels`, [role], 'Labels of the pods.', metadata('labels')),
    intoPods(`${prefix}.annotations`, [role], 'Annotations of the pods.', metadata('annotations')),
    intoPods(`${prefix}.node-selector`, [role], 'nodeSelector.', (value) => {
      const nodeSelector = flinkMap(value);
      return nodeSelector === null ? null : { spec: { nodeSelector } };
    }),
    intoPods(`${prefix}.tolerations`, [role], 'tolerations.', tolerations),
    intoPods(
      `${prefix}.service-account`,
      [role],
      'serviceAccountName, where spec.serviceAccount is not set.',
      accountName,
    ),
    intoPods(`containerized.${container}.env.*`, [role], 'Variables of the engine’s container.', (value, _role, hand) =>
      containerPatch(role, { env: [{ name: hand.key.slice(`containerized.${container}.env.`.length), value }] }),
    ),
  ];
}

/** The account of the object itself counts, as in the other operator. */
function accountName(value: string, role: Role, hand: Hand): Json {
  const own = valueAt(hand.object, ['spec', 'serviceAccount']);
  const ofRole = hand.settings.get(`kubernetes.${PREFIX[role]}.service-account`);
  return { spec: { serviceAccountName: typeof own === 'string' ? own : (ofRole ?? value).trim() } };
}

/** `name:/path,other:/path`, as KubernetesSecretsDecorator mounts them. */
function mountedSecrets(value: string, role: Role): Json | null {
  const paths = flinkMap(value);
  if (paths === null) return null;
  const names = Object.keys(paths);
  return {
    spec: {
      volumes: names.map((secretName) => ({ name: `${secretName}-volume`, secret: { secretName } })),
      containers: (
        containerPatch(role, {
          volumeMounts: names.map((name) => ({ name: `${name}-volume`, mountPath: paths[name] })),
        })['spec'] as Json
      )['containers'],
    },
  };
}

/** `key:a,operator:Equal,value:b,effect:NoSchedule;...` */
function tolerations(value: string): Json | null {
  const maps = flinkList(value).map((part) => flinkMap(part));
  if (maps.length === 0 || maps.some((map) => map === null)) return null;
  const list = maps.map((map) => {
    const { tolerationSeconds, ...rest } = map!;
    return tolerationSeconds === undefined ? rest : { ...rest, tolerationSeconds: Number(tolerationSeconds) };
  });
  return { spec: { tolerations: list } };
}
