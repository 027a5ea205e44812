// What can be known to be wrong with a job on Flink before anything of it is started. Its SQL is for Flink's own planner, which only a JobManager has.
import type { ResolvedFlowClusterSpec } from '../../api/flowcluster.ts';
import type { SecretReference } from '../../../engine/secret-references.ts';
import { quantityValue } from '../../api/schema-kit.ts';
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import type { ProcessSpec } from './config.ts';
import { s3KeySaidTwice } from './s3-config.ts';
import { flinkScript } from './compiled-plan.ts';
import { secretsOfScript } from './script-secrets.ts';
import { jobManagerMemory, taskManagerMemory } from './memory.ts';

/** Keys that a job on a shared cluster says in vain. */
const OF_CLUSTER =
  /^(akka|blob|cluster|containerized|env|fs|heartbeat|historyserver|io|jobmanager|jobstore|metrics|pekko|plugin|process|queryable-state|resourcemanager|rest|s3|s3a|security|slot|slotmanager|taskmanager|web|zookeeper)\./;

/** For people; null: nothing is known to be wrong. */
export function checkFlinkSpec(spec: ResolvedFlowJobSpec): string | null {
  const { engine, job, state } = spec;
  const sql = sqlText({ job });
  const config = engine.config ?? {};
  const ofCluster =
    engine.clusterRef === undefined ? undefined : Object.keys(config).find((key) => OF_CLUSTER.test(key));
  if (ofCluster !== undefined)
    return `spec.engine.config sets ${ofCluster}, which is a key of processes that jobs share: write it into spec.engine.config of FlowCluster "${engine.clusterRef!.name}".`;
  const twice = s3KeySaidTwice(state.storage, config);
  if (twice !== null) return saidTwice(twice);
  return orWhyNot(() => {
    // Which folder it is makes no difference.
    flinkScript(spec, '');
    const [secret] = secretsOfScript(sql);
    if (secret !== undefined && engine.clusterRef !== undefined) return secretOnCluster(engine.clusterRef.name, secret);
    checkMemory(spec);
    return null;
  });
}

/** The same of what jobs share. */
export function checkClusterSpec({ engine, state, jobManager, taskManager }: ResolvedFlowClusterSpec): string | null {
  const config = engine.config ?? {};
  const twice = s3KeySaidTwice(state.storage, config);
  if (twice !== null) return saidTwice(twice);
  return orWhyNot(() => {
    checkMemory({ engine, jobManager, taskManager });
    return null;
  });
}

/** Throws RangeError when there is too little. */
function checkMemory({ engine, jobManager, taskManager }: ProcessSpec): void {
  jobManagerMemory(quantityValue(jobManager.resources.limits.memory), engine.config ?? {});
  taskManagerMemory(quantityValue(taskManager.resources.limits.memory), engine.config ?? {});
}

function orWhyNot(check: () => string | null): string | null {
  try {
    return check();
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** Values are put into the text in the pod of a JobManager that is started for it. */
const secretOnCluster = (cluster: string, { name, key }: SecretReference): string =>
  `spec.job.sql refers to Secret "${name}", key ${key}, and the JobManager of FlowCluster "${cluster}", which is up before the job, cannot be given it: remove spec.engine.clusterRef and set spec.engine.version, for processes of its own, or have the connector read the value elsewhere.`;

const saidTwice = (key: string): string =>
  `spec.engine.config sets ${key}, which spec.state.storage says for state on S3: remove it there, and write spec.state.storage.endpoint, region, pathStyleAccess or credentialsSecretRef.`;
