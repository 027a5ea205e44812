// A FlowCluster that tests run in pods, and the jobs on it.
import { until } from '../../harness/until.ts';
import type { FlowCluster } from '../../../src/api/flowcluster.ts';
import { kubectl, type Jobs, type PodInfo } from '../flowjobs/operator.ts';
import { engine, seenIn, type Seen } from './flink-jobs.ts';

const KIND = { apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowCluster' };
const ENDED = ['FINISHED', 'FAILED', 'CANCELED'];

const isReady = ({ status }: FlowCluster, reason: string): boolean =>
  status?.conditions.some((one) => one.type === 'Ready' && one.reason === reason) === true;

export class SharedCluster {
  readonly name: string;
  private readonly jobs: Jobs;

  constructor(jobs: Jobs, name: string) {
    this.jobs = jobs;
    this.name = name;
  }

  /** `more`: fields of its spec. */
  async apply(more: object = {}): Promise<void> {
    const metadata = { name: this.name, namespace: this.jobs.namespace };
    await kubectl.apply([{ ...KIND, metadata, spec: { engine, jobManager: {}, ...more } }]);
  }

  async scale(replicas: number): Promise<void> {
    await kubectl.run('scale', 'flowcluster', this.name, `--replicas=${replicas}`, '-n', this.jobs.namespace);
  }

  get(): Promise<FlowCluster> {
    return kubectl.get('flowcluster', this.name, '-n', this.jobs.namespace);
  }

  /** Waits for the reason of its condition Ready. */
  is(reason: string, seconds = 180): Promise<FlowCluster> {
    return this.until(`is ${reason}`, (found) => isReady(found, reason), seconds);
  }

  /** Waits until it runs with so many TaskManagers. */
  runsWith(taskManagers: number): Promise<FlowCluster> {
    return this.until(
      `runs with ${taskManagers} TaskManagers`,
      (found) => isReady(found, 'Running') && found.status?.taskManager?.replicas === taskManagers,
    );
  }

  async pods(): Promise<PodInfo[]> {
    const label = `flowjob.dev/cluster=${this.name}`;
    return (await kubectl.get<{ items: PodInfo[] }>('pods', '-n', this.jobs.namespace, '-l', label)).items;
  }

  /** Its pod is there under the same name again once it was made anew. */
  async taskManager(index: number): Promise<PodInfo> {
    return kubectl.get('pod', `${this.name}-cluster-taskmanager-${index}`, '-n', this.jobs.namespace);
  }

  /** Without a word to its process. */
  async kill(role: 'jobmanager' | `taskmanager-${number}`): Promise<void> {
    const pod = `${this.name}-cluster-${role}`;
    await kubectl.run('delete', 'pod', pod, '-n', this.jobs.namespace, '--grace-period=0', '--force');
  }

  /** Names of jobs that have not ended, by the JobManager's word. */
  async running(): Promise<string[]> {
    const { jobs } = await this.ask<{ jobs: { name: string; state: string }[] }>('/jobs/overview');
    return jobs.filter(({ state }) => !ENDED.includes(state)).map(({ name }) => name);
  }

  /** How often Flink has started a job over. */
  async restartsOf(jobId: string): Promise<number> {
    const [restarts] = await this.ask<{ value: string }[]>(`/jobs/${jobId}/metrics?get=numRestarts`);
    return Number(restarts?.value);
  }

  /** The logs of its TaskManagers, where a table of the connector `print` writes to. */
  async logs(): Promise<string> {
    const names = (await this.pods()).map(({ metadata }) => metadata.name).filter((name) => /taskmanager/.test(name));
    const logs = names.map((name) => kubectl.run('logs', name, '-n', this.jobs.namespace));
    return (await Promise.all(logs)).join('\n');
  }

  /** What Flink's REST API answers. */
  async ask<T>(path: string): Promise<T> {
    const pod = `/api/v1/namespaces/${this.jobs.namespace}/pods/${this.name}-cluster-jobmanager:8081`;
    return JSON.parse(await kubectl.run('get', '--raw', `${pod}/proxy${path}`)) as T;
  }

  /** The spec of a stream on it. */
  job(sql: string, more: object = {}): object {
    return {
      mode: 'Streaming',
      engine: { type: 'Flink', clusterRef: { name: this.name } },
      state: { checkpoint: { interval: '1s' } },
      job: { sql: { inline: sql } },
      ...more,
    };
  }

  /** What is visible of a job's output in `outOf(job)`, on the cluster's own claim. */
  async rowsOf(job: string): Promise<Seen[]> {
    return seenIn(await this.onVolume(`cat ${outOf(job)}/part-* 2>/dev/null || true`));
  }

  /** What a shell script printed that looks at its claim. */
  async onVolume(script: string): Promise<string> {
    return this.jobs.onVolume(`${this.name}-cluster`, script);
  }

  private async until(what: string, holds: (found: FlowCluster) => boolean, seconds = 180): Promise<FlowCluster> {
    return until(
      `the cluster ${what}`,
      async () => {
        const found = await this.get();
        if (holds(found)) return found;
        throw new Error(JSON.stringify(found.status));
      },
      { seconds, every: 200 },
    );
  }
}

export const outOf = (job: string): string => `/flowjob/state/out/${job}`;
