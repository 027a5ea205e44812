// The command line of the operator on Kubernetes, and the environment that stands in for it.
import { parseArgs } from 'node:util';

export interface OperatorSettings {
  /** Of pods whose FlowJob names none. */
  image: string;
  /** Whose FlowJobs it looks after. Empty: all namespaces. */
  namespaces: readonly string[];
  kubeconfig: string | undefined;
  context: string | undefined;
  /** Of health and metrics. */
  httpPort: number;
  leaderElect: boolean;
  leaseName: string;
  /** Jobs on Apache Flink use its high availability on Kubernetes, for which the operator makes roles. */
  flinkHighAvailability: boolean;
}

/** Throws what is wrong, for people. */
export function operatorSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): OperatorSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      namespace: { type: 'string' },
      image: { type: 'string' },
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      'http-port': { type: 'string', default: '8080' },
      'leader-elect': { type: 'boolean', default: false },
      'flink-high-availability': { type: 'boolean', default: false },
      'lease-name': { type: 'string', default: 'flowjob-operator' },
    },
  });
  const image = values.image ?? env['FLOWJOB_IMAGE'] ?? '';
  if (image === '')
    throw new Error('--image is missing: name the image of JobManager and TaskManagers, or set FLOWJOB_IMAGE');
  const httpPort = Number(values['http-port']);
  if (!Number.isInteger(httpPort) || httpPort < 0 || httpPort > 65_535)
    throw new Error(
      `--http-port ${values['http-port']} is no port: name one from 1 to 65535, or 0 for any that is free`,
    );
  return {
    image,
    namespaces: namespacesOf(values.namespace ?? env['FLOWJOB_NAMESPACE'] ?? ''),
    kubeconfig: values.kubeconfig,
    context: values.context,
    httpPort,
    leaderElect: values['leader-elect'],
    leaseName: values['lease-name'],
    flinkHighAvailability: values['flink-high-availability'],
  };
}

/** `a,b` -> a and b, each once. Empty text: none was named. */
export function namespacesOf(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const named = [...new Set(names.filter((name) => name !== ''))];
  for (const name of named)
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
      throw new Error(
        `--namespace: "${name}" is no name of a namespace: name them as "kubectl get namespaces" does, with commas between them`,
      );
  return named;
}
