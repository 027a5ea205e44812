// FlowJob under test: either engine in pods, its REST API asked at the pod's own address.
import { EngineClient, EngineClientError } from '../../../src/engine-client/engine-client.ts';
import type { KubeObject, Manifest, Resource } from '../../../src/kube/object.ts';
import { LABEL } from '../../../src/runtime/kubernetes/names.ts';
import { REST_PORT } from '../../../src/runtime/kubernetes/pods.ts';
import { RESOURCES } from '../../../src/store/kubernetes/resources.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import type { Jobs } from '../../kubernetes/flowjobs/operator.ts';
import { kubectl } from '../../kubernetes/flowjobs/operator.ts';
import type { Subject, TasksView } from './subject.ts';

interface RunningPod {
  metadata: { name: string; deletionTimestamp?: string; labels: Record<string, string> };
  status: { podIP?: string; phase: string };
}

interface Vertices {
  state: string;
  vertices: { status: string; 'start-time': number }[];
}

/** Not a sequence: Flink's source keeps what is left of one in memory, and in each checkpoint. */
const sqlOf = (version: number, sinkOptions: string): string => `
CREATE TABLE numbers (n BIGINT, k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000',
  'fields.n.min' = '0', 'fields.n.max' = '1000000000', 'fields.k.min' = '0', 'fields.k.max' = '99');
CREATE TABLE seen (version INT, k INT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv'${sinkOptions});
INSERT INTO seen SELECT ${version}, k, n FROM numbers;`;

/** Flink shows rows in files that are complete, and completes one when it is a minute old, unless it is told otherwise. */
const ROLL_SOON = `,
  'sink.rolling-policy.rollover-interval' = '200 ms', 'sink.rolling-policy.check-interval' = '100 ms'`;

export class FlowJobSubject implements Subject {
  readonly resource: Resource = RESOURCES.FlowJob;
  private readonly jobs: Jobs;
  private readonly engine: FlowJob['spec']['engine'];
  /** By name of the JobManager’s pod: how to speak to it. */
  private readonly clients = new Map<string, EngineClient>();

  /** `engine`: spec.engine. */
  constructor(jobs: Jobs, engine: FlowJob['spec']['engine'] = { type: 'Embedded' }) {
    this.jobs = jobs;
    this.engine = engine;
  }

  stream(name: string, version: number): Manifest {
    const spec = {
      mode: 'Streaming',
      engine: this.engine,
      state: { checkpoint: { interval: '500ms' } },
      deletionPolicy: 'Delete',
      job: { sql: { inline: sqlOf(version, this.isFlink ? ROLL_SOON : '') } },
    };
    const metadata = { name, namespace: this.jobs.namespace };
    return { apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowJob', metadata, spec } as unknown as Manifest;
  }

  saysRunning(object: KubeObject): boolean {
    const { metadata, status } = object as unknown as FlowJob;
    const ready = status?.conditions.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' && ready.observedGeneration === metadata.generation && status?.state === 'Running';
  }

  async tasks(name: string): Promise<TasksView | null> {
    const managers = await this.runningPods(name, 'jobmanager');
    const newest = managers.sort((a, b) => epochOf(b) - epochOf(a))[0];
    if (newest?.status.podIP === undefined) return null;
    try {
      const client = await this.client(newest);
      const { jobs } = await client.get<{ jobs: { id: string }[] }>('/jobs');
      if (jobs[0] === undefined) return null;
      const { state, vertices } = await client.get<Vertices>(`/jobs/${jobs[0].id}`);
      return {
        running: state === 'RUNNING' && vertices.every(({ status }) => status === 'RUNNING'),
        startedAt: Math.max(...vertices.map((vertex) => vertex['start-time'])),
      };
    } catch (error) {
      if (error instanceof EngineClientError) return null;
      throw error;
    }
  }

  async pods(name: string, role: 'jobmanager' | 'taskmanager'): Promise<string[]> {
    return (await this.runningPods(name, role)).map(({ metadata }) => metadata.name);
  }

  async visible(name: string): Promise<Map<number, { first: number; last: number }>> {
    // The change of a file's inode is its renaming into sight.
    const script =
      'for f in /flowjob/state/out/part-*; do echo "$(date -d "$(stat -c %z $f)" +%s%3N) $(head -1 $f)"; done';
    const seen = new Map<number, { first: number; last: number }>();
    for (const line of (await this.jobs.onVolume(name, script)).trim().split('\n')) {
      const [at, row] = line.split(' ');
      const version = Number(row?.split(',')[0]);
      const before = seen.get(version);
      const time = Number(at);
      seen.set(version, { first: Math.min(before?.first ?? time, time), last: Math.max(before?.last ?? time, time) });
    }
    return seen;
  }

  private async runningPods(name: string, role: string): Promise<RunningPod[]> {
    const selector = `${LABEL.job}=${name},${LABEL.role}=${role}`;
    const { items } = await kubectl.get<{ items: RunningPod[] }>('pods', '-n', this.jobs.namespace, '-l', selector);
    return items.filter(
      ({ status, metadata }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined,
    );
  }

  private async client({ metadata, status }: RunningPod): Promise<EngineClient> {
    const known = this.clients.get(metadata.name);
    if (known !== undefined) return known;
    const token = this.isFlink ? null : await this.tokenOf(metadata.labels);
    const client = new EngineClient({ url: `http://${status.podIP!}:${REST_PORT}`, token, timeoutMs: 1_000 });
    this.clients.set(metadata.name, client);
    return client;
  }

  private async tokenOf(labels: Record<string, string>): Promise<string> {
    const attempt = `${labels[LABEL.job]}-${labels[LABEL.attempt]}`;
    const secret = await kubectl.get<{ data: { token: string } }>('secret', attempt, '-n', this.jobs.namespace);
    return Buffer.from(secret.data.token, 'base64').toString('utf8');
  }

  private get isFlink(): boolean {
    return this.engine.type === 'Flink';
  }
}

const epochOf = ({ metadata }: RunningPod): number => Number(metadata.labels[LABEL.attempt]);
