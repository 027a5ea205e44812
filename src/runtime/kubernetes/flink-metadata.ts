// What the high availability of a job on Apache Flink needs on Kubernetes, as manifests: the two ConfigMaps of its run, and the right to these two and to nothing
// else. The operator makes the ConfigMaps, so that Flink needs no right to create any, which could not be restricted by name. Pure.
import {
  clusterIdOf,
  metadataLabels,
  metadataNames,
  VACANT_LEASE,
} from '../../engine-client/flink/high-availability.ts';
import type { AttemptPlan } from '../port.ts';
import type { ChildManifest } from './children.ts';
import { accountName, jobLabels } from './names.ts';
import { ownerOf } from './pods.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** What Flink 2.3 was seen to ask for. It lists and watches by the name of the one ConfigMap, which a rule with names allows. */
const VERBS = ['get', 'list', 'watch', 'update', 'patch', 'delete'];

const runOf = ({ key, attempt }: AttemptPlan) => ({ job: key.name, namespace: key.namespace, jobId: attempt.jobId });

const metadata = (plan: AttemptPlan, name: string, labels: Record<string, string> = {}): ChildManifest['metadata'] => ({
  name,
  namespace: plan.key.namespace,
  labels: { ...jobLabels(plan.key.name), ...labels },
  ownerReferences: [ownerOf(plan)],
});

export interface RunMetadata {
  leader: ChildManifest;
  checkpoints: ChildManifest;
}

export function metadataMaps(plan: AttemptPlan): RunMetadata {
  const run = runOf(plan);
  const names = metadataNames(run);
  const labels = metadataLabels(clusterIdOf(run));
  const map = (name: string): ChildManifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(plan, name, labels),
  });
  const leader = map(names.leader);
  return {
    leader: { ...leader, metadata: { ...leader.metadata, annotations: VACANT_LEASE } },
    checkpoints: map(names.checkpoints),
  };
}

/** As whom pods run whose template does not say it. */
export function accountOf(
  { key, spec }: Pick<AttemptPlan, 'key' | 'spec'>,
  role: 'jobManager' | 'taskManager',
): string {
  const named = spec[role].podTemplate?.spec?.['serviceAccountName'];
  return typeof named === 'string' ? named : accountName(key.name);
}

/** The attempt itself, and the one that runs until it takes over. */
const livingOf = (plan: AttemptPlan): AttemptPlan[] =>
  plan.beside === undefined ? [plan] : [plan, { ...plan, ...plan.beside }];

/** Of the ConfigMaps that somebody needs while the attempt is there. */
export const neededNames = (plan: AttemptPlan): string[] =>
  livingOf(plan).flatMap((one) => {
    const { leader, checkpoints } = metadataNames(runOf(one));
    return [leader, checkpoints];
  });

/** TaskManagers look for the leader in the same ConfigMaps. Accounts that a template names are given the same right; their owner need not know of it. */
export function rightsOf(plan: AttemptPlan): {
  account: ChildManifest | null;
  role: ChildManifest;
  binding: ChildManifest;
} {
  const name = accountName(plan.key.name);
  const both = livingOf(plan).flatMap((one) => [accountOf(one, 'jobManager'), accountOf(one, 'taskManager')]);
  const accounts = [...new Set(both)];
  return {
    account: accounts.includes(name)
      ? {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: metadata(plan, name),
          automountServiceAccountToken: false,
        }
      : null,
    role: {
      apiVersion: `${RBAC}/v1`,
      kind: 'Role',
      metadata: metadata(plan, name),
      rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: neededNames(plan), verbs: VERBS }],
    },
    binding: {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata: metadata(plan, name),
      roleRef: { apiGroup: RBAC, kind: 'Role', name },
      subjects: accounts.map((account) => ({ kind: 'ServiceAccount', name: account, namespace: plan.key.namespace })),
    },
  };
}

/**
 * Whether the ConfigMap may stay as it is, for a run that goes on from a checkpoint: when it names the same one as its newest. It then knows more than the volume:
 * which checkpoints are Flink's own to remove. Otherwise Flink would go on from what the ConfigMap says, which prevails over what Flink is told: from something
 * older where a checkpoint was completed without it, or a savepoint was taken since.
 */
export function agrees(
  data: Readonly<Record<string, string>> | undefined,
  { attempt: { resumeFrom } }: AttemptPlan,
): boolean {
  const wanted = /\/chk-(\d+)$/.exec(resumeFrom ?? '')?.[1];
  const ids = Object.keys(data ?? {}).flatMap((key) => /^checkpointID-(\d+)$/.exec(key)?.[1] ?? []);
  const newest = ids.map(BigInt).reduce<bigint | null>((a, b) => (a === null || b > a ? b : a), null);
  return wanted !== undefined && newest === BigInt(wanted);
}
