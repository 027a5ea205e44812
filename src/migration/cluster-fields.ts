// spec of FlinkDeployment apart from spec.job: version, image, pods and their resources.
import { show } from '../api/schema-check.ts';
import { textIn, wholeIn, wordIn } from './checks.ts';
import { containerPatch, ROLES } from './pod-templates.ts';
import { roleRules } from './role-fields.ts';
import { templateRules } from './template-fields.ts';
import { mapped, nothingToDo, toDo, type Hand, type Rule } from './rules.ts';

/** Versions of Flink that a FlowJob runs on, by the other operator's words for them. */
export const FLINK_VERSIONS = {
  v1_20: '1.20',
  v2_0: '2.0',
  v2_1: '2.1',
  v2_2: '2.2',
  v2_3: '2.3',
} as const;

export const CLUSTER_RULES: readonly Rule[] = [
  mapped('spec.image', 'spec.engine.image', 'As it is.', (value, hand) => {
    const image = textIn(value, hand);
    if (image !== null) hand.put('spec.engine.image', image);
  }),
  mapped(
    'spec.imagePullPolicy',
    ROLES.map((role) => `spec.${role}.podTemplate`),
    'Of the engine’s containers.',
    (value, hand) => {
      const imagePullPolicy = wordIn(value, hand, { Always: 'Always', IfNotPresent: 'IfNotPresent', Never: 'Never' });
      if (imagePullPolicy !== null) for (const role of ROLES) hand.pod(role, containerPatch(role, { imagePullPolicy }));
    },
  ),
  mapped(
    'spec.serviceAccount',
    ROLES.map((role) => `spec.${role}.podTemplate`),
    'serviceAccountName of the pods, for identities of a cloud. It need not be allowed to make pods: the operator makes them. With high availability it is given the right to the two ConfigMaps of its job, and its token is mounted; left out, the operator makes an account for the job.',
    (value, hand) => {
      const serviceAccountName = textIn(value, hand);
      if (serviceAccountName === null) return;
      for (const role of ROLES) hand.pod(role, { spec: { serviceAccountName } });
      hand.nothingToDo(
        'is kept, for identities of a cloud; it need not be allowed to make pods any more. The operator gives it the right to the ConfigMaps of the job’s high availability, which all pods with this account then have: leave it out of both podTemplates, and the job has an account of its own',
      );
    },
  ),
  mapped(
    'spec.flinkVersion',
    'spec.engine.version',
    `${Object.keys(FLINK_VERSIONS)
      .map((word) => `\`${word}\``)
      .join(', ')}.`,
    (value, hand) => {
      if (typeof value === 'string' && Object.hasOwn(FLINK_VERSIONS, value))
        return hand.put('spec.engine.version', FLINK_VERSIONS[value as keyof typeof FLINK_VERSIONS]);
      const older = typeof value === 'string' && /^v1_1[0-9]$/.test(value);
      hand.refuse(
        `Unsupported value: ${show(value)}: supported values: ${Object.keys(FLINK_VERSIONS).map(show).join(', ')}`,
        older
          ? 'bring the job to v1_20 or later in the other operator first: its state is restored there'
          : 'set flinkVersion, and the image with it, to one of these',
      );
    },
  ),
  nothingToDo(
    'spec.mode',
    'The operator makes all pods itself; neither mode is needed, nor what Flink is allowed to do in the namespace.',
  ),
  toDo('spec.ingress', 'Write an Ingress of your own for the Service NAME-rest, port 8081.'),
  toDo(
    'spec.logConfiguration',
    'Put the text into a ConfigMap, mount that by podTemplate of both roles, and name the file in engine.config: env.java.opts.all: -Dlog4j.configurationFile=file:/PATH.',
  ),
  ...templateRules('spec.podTemplate', ROLES),
  ...roleRules('jobManager'),
  ...roleRules('taskManager'),
  mapped('spec.jobManager.replicas', [], 'One JobManager; another one is started when it is lost.', (value, hand) => {
    const replicas = wholeIn(value, hand, 1);
    if (replicas === null) return;
    if (replicas === 1) return hand.nothingToDo('is one anyway');
    hand.nothingToDo('there are no JobManagers in reserve: another one is started when one is lost');
  }),
  mapped(
    'spec.taskManager.replicas',
    'spec.taskManager.replicas',
    'As it is; job.parallelism is replicas x slots then.',
    (value, hand) => {
      const replicas = wholeIn(value, hand, 1);
      if (replicas !== null) hand.put('spec.taskManager.replicas', replicas);
    },
  ),
];

/** Memory has no default there, and one for small jobs here. */
export function impliedByCluster(hand: (field: string) => Hand, has: (field: string) => boolean): void {
  for (const role of ROLES)
    if (!has(`spec.${role}.resources.limits.memory`))
      hand(`spec.${role}.resource.memory`).toDo(
        `is not set: write spec.${role}.resources.limits.memory, as the other operator’s default configuration has it`,
      );
}
