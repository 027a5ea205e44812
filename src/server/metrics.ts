// The operator's metrics: one registry with what the kernel, the process and the jobs tell.
import { collectDefaultMetrics, Registry } from 'prom-client';
import { registerJobMetrics, type JobView } from './job-metrics.ts';
import { kubeMetrics, type ControllerMetrics } from './kube-metrics.ts';

export interface OperatorMetrics {
  registry: Registry;
  /** For the kernel. */
  kube: ControllerMetrics;
  /** From now on this replica tells of the jobs, too. Once. */
  tellOfJobs(views: () => readonly JobView[]): void;
}

export function operatorMetrics(options: { host: string; lease?: string | undefined }): OperatorMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    kube: kubeMetrics({ registry, ...options }),
    tellOfJobs: (views) => registerJobMetrics(registry, views),
  };
}
