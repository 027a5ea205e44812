// What becomes of a session and of its jobs, decided here alone: a job gets a cluster of its own with the settings of its session, and the session itself becomes nothing.
// Its jobs are jars, and a FlowCluster runs SQL.
import { show, type FieldError } from '../api/schema-check.ts';
import { CLUSTER_RULES } from './cluster-fields.ts';
import { isMap, valueAt, type Json, type Path } from './leaves.ts';
import { kindOf, nameOf, type Given } from './objects.ts';
import { mapped, nothingToDo, type LeftAlone, type Rule } from './rules.ts';

/** Of a session: no job in it. */
const isSession = (object: Json): boolean =>
  kindOf(object) === 'FlinkDeployment' && !isMap(valueAt(object, ['spec', 'job']));

/** The session that a job runs in, as the input has it. */
export interface Session {
  object: Json;
  /** Where its values stand in the account of its job. */
  origin: Path;
}

const REPLICAS = 'spec.taskManager.replicas';

/** Fields of a session in the account of each of its jobs. */
export const OWN_RULES_OF_SESSION: readonly Rule[] = [
  nothingToDo(
    REPLICAS,
    'Is the size of the whole session: a FlowJob has as many TaskManagers as its own parallelism needs.',
  ),
  nothingToDo('spec.restartNonce', 'Restarts the session: that of the FlinkSessionJob counts.'),
];
export const RULES_OF_SESSION: readonly Rule[] = [
  ...CLUSTER_RULES.filter(({ from }) => from !== REPLICAS),
  ...OWN_RULES_OF_SESSION,
];

export const DEPLOYMENT_NAME: Rule = mapped(
  'spec.deploymentName',
  'spec.engine',
  'A cluster of its own, with the version, image, pods and configuration of that FlinkDeployment, which has to be in the same input.',
  (_value, hand) => hand.accounted('spec.engine'),
);

/** The FlinkDeployment that would run this job alone, as rules look at it. flinkConfiguration is not merged in it: Settings does that. */
export function asDeployment(job: Json, { object }: Session): Json {
  const spec = { ...(object['spec'] as Json) };
  if (isMap(spec['taskManager'])) {
    const { replicas: _ofTheSession, ...taskManager } = spec['taskManager'];
    spec['taskManager'] = taskManager;
  }
  const own = job['spec'] as Json;
  return { ...job, spec: { ...spec, job: own['job'], restartNonce: own['restartNonce'] } };
}

/** The session of a FlinkSessionJob among what is imported with it, or why there is none. */
export function sessionOf(job: Json, given: readonly Given[]): Session | FieldError {
  const field = 'spec.deploymentName';
  const name = String(valueAt(job, ['spec', 'deploymentName']));
  const found = given.find(
    ({ object }) =>
      kindOf(object) === 'FlinkDeployment' && nameOf(object) === name && namespaceOf(object) === namespaceOf(job),
  );
  if (found === undefined)
    return {
      ...{ field, value: name },
      problem: `Not found: ${show(name)}: no FlinkDeployment of this name${inNamespace(job)} is in the input`,
      remedy:
        'import it together with this job, whose version of Flink, image, pods and configuration it says: put both into one file, or print both by kubectl get',
    };
  if (!isSession(found.object))
    return {
      ...{ field, value: name },
      problem: `Invalid value: ${show(name)} is a FlinkDeployment with a job of its own`,
      remedy: 'name one without spec.job',
    };
  return { object: found.object, origin: ['FlinkDeployment', name] };
}

/** Why a FlinkDeployment becomes nothing; null when it has a job, which a FlowJob is made of. */
export function leftToItsJobs(object: Json, given: readonly Given[]): LeftAlone | null {
  if (!isSession(object)) return null;
  const jobs = given
    .map(({ object: other }) => other)
    .filter((other) => kindOf(other) === 'FlinkSessionJob' && namespaceOf(other) === namespaceOf(object))
    .filter((other) => valueAt(other, ['spec', 'deploymentName']) === nameOf(object))
    .map((other) => show(nameOf(other)));
  if (jobs.length > 0)
    return {
      reason: `is a session of jars, which no FlowCluster runs: each of its jobs gets a cluster of its own with these settings, and its list says what became of them: ${jobs.join(', ')}`,
      done: true,
    };
  return {
    reason:
      'is a session, and no job of it is in the input: import its FlinkSessionJobs with it; make a FlowJob of each job that is submitted to it in another way, which in SQL may share a FlowCluster',
    done: false,
  };
}

export function namespaceOf(object: Json): string {
  const namespace = valueAt(object, ['metadata', 'namespace']);
  return typeof namespace === 'string' ? namespace : '';
}
const inNamespace = (object: Json): string =>
  namespaceOf(object) === '' ? '' : ` in namespace ${show(namespaceOf(object))}`;
