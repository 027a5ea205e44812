// What a FlowJob on a FlowCluster does not say itself: the cluster does. Rules of spec.
import type { CelRule } from './schema-kit.ts';

/** Fields with defaults stand in every spec: another value than that is what somebody has written. */
const ownProcess = (role: string, more: readonly string[] = []): string =>
  [
    `!has(self.${role}.podTemplate)`,
    `!has(self.${role}.resources.limits.memory)`,
    `!has(self.${role}.resources.limits.cpu)`,
    `!has(self.${role}.resources.requests)`,
    ...more.map((rule) => `self.${role}.${rule}`),
  ].join(' && ');

const onCluster = (rule: string): string => `!has(self.engine.clusterRef) || (${rule})`;

export const CLUSTER_RULES: CelRule[] = [
  {
    rule: onCluster(ownProcess('jobManager')),
    message:
      'the JobManager is that of the FlowCluster: remove jobManager and write it into the FlowCluster, or remove engine.clusterRef',
    fieldPath: '.jobManager',
  },
  {
    rule: onCluster(ownProcess('taskManager', ['replicas == 1', 'slots == 2'])),
    message:
      'the TaskManagers are those of the FlowCluster: remove taskManager and write it into the FlowCluster, or remove engine.clusterRef',
    fieldPath: '.taskManager',
  },
  {
    rule: onCluster('!has(self.state.storage)'),
    message: 'state is kept where the FlowCluster says: remove state.storage, or remove engine.clusterRef',
    fieldPath: '.state.storage',
  },
  {
    rule: onCluster('!has(self.autoscaling)'),
    message:
      'TaskManagers that several jobs share are not sized by one of them: remove autoscaling, or remove engine.clusterRef',
    fieldPath: '.autoscaling',
  },
  {
    rule: onCluster('!has(self.job.jar)'),
    message:
      'a FlowCluster runs SQL: write the job as SQL, or remove engine.clusterRef and set engine.version, for processes of its own',
    fieldPath: '.job.jar',
  },
  {
    rule: onCluster("!has(self.job.sql) || !has(self.job.sql.plan) || self.job.sql.plan != 'Compiled'"),
    message:
      'plans are compiled where a job has processes of its own: remove job.sql.plan, or remove engine.clusterRef and set engine.version',
    fieldPath: '.job.sql.plan',
  },
];
