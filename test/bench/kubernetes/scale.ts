// The operator with a thousand FlowJobs that run: what it takes in memory, what it writes at rest, how soon it answers to a change, how soon it is back. A real
// control plane, the operator as it is in its image, and a stub node (stub-node.ts).
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { Informer } from '../../../src/kube/cache/informer.ts';
import type { Manifest, Resource } from '../../../src/kube/object.ts';
import { loadAuthentication } from '../../../src/kube/rest/auth.ts';
import { Client } from '../../../src/kube/rest/client.ts';
import { HttpsTransport } from '../../../src/kube/rest/transport.ts';
import { RESOURCES } from '../../../src/store/kubernetes/resources.ts';
import { systemClock } from '../../../engine/clock.ts';
import { InVain, until } from '../../harness/until.ts';
import { kubernetesCache } from '../../kubernetes/binaries.ts';
import { startControlPlane, type ControlPlane } from '../../kubernetes/control-plane.ts';
import { Kubectl } from '../../kubernetes/kubectl.ts';
import type { Figure } from '../report.ts';
import { cpuSeconds, peakMebibytes } from './process.ts';
import { StubNode } from './stub-node.ts';

const FLOWJOBS: Resource<FlowJob> = RESOURCES.FlowJob;
const NAMESPACE = 'default';
/** Changes of which the time to the first write is taken, one every so many milliseconds. */
const CHANGES = 300;
const CHANGE_EVERY = 100;
/** What the operator writes. The control plane's own controllers write other kinds: theirs are the events of the core group, about claims that wait. */
const WRITTEN =
  /^(flowjob\.dev\/\w+|events\.k8s\.io\/events|networking\.k8s\.io\/networkpolicies|pods|configmaps|secrets|services|persistentvolumeclaims)$/;

export async function scaleFigures(count: number): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-scale-'));
  const plane = await startControlPlane({ folder: join(folder, 'plane') });
  const bench = await ScaleBench.open(plane);
  try {
    return await bench.measure(count);
  } finally {
    await bench.close();
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class ScaleBench {
  private readonly plane: ControlPlane;
  private readonly client: Client;
  private readonly node: StubNode;
  private readonly jobs: Informer<FlowJob>;
  private readonly closing = new AbortController();
  private operator: ChildProcess | null = null;

  private constructor(plane: ControlPlane, client: Client) {
    this.plane = plane;
    this.client = client;
    this.node = new StubNode(client);
    this.jobs = new Informer<FlowJob>({
      client,
      resource: FLOWJOBS,
      selection: {},
      clock: systemClock,
      random: Math.random,
      onTrouble: console.error,
    });
  }

  static async open(plane: ControlPlane): Promise<ScaleBench> {
    const kubectl = new Kubectl(kubernetesCache('bin', 'kubectl'), plane.kubeconfig());
    await kubectl.run('apply', '--server-side', '--filename', 'crds');
    await kubectl.run('wait', '--for=condition=Established', '--timeout=30s', '--filename', 'crds');
    const authentication = await loadAuthentication({ file: plane.kubeconfig(), clock: systemClock });
    const transport = new HttpsTransport(authentication);
    const client = new Client({ transport, clock: systemClock, random: Math.random, userAgent: 'flowjob-bench' });
    const bench = new ScaleBench(plane, client);
    await bench.node.start();
    void bench.jobs.run(bench.closing.signal);
    await bench.jobs.synced;
    return bench;
  }

  async measure(count: number): Promise<Figure[]> {
    let operator = this.startOperator();
    const created = performance.now();
    await this.create(count);
    await this.untilAllRun(count);
    const allRun = (performance.now() - created) / 1000;
    await delay(20_000);

    const writesBefore = await this.writes();
    const cpuBefore = cpuSeconds(operator);
    this.node.takeRequests();
    await delay(60_000);
    const writes = (await this.writes()) - writesBefore;
    const cpu = cpuSeconds(operator) - cpuBefore;
    const requests = this.node.takeRequests() / 60;

    const answers = (await this.change(Math.min(count, CHANGES))).sort((a, b) => a - b);
    const peak = peakMebibytes(operator);
    this.kill();
    this.node.asked.clear();
    const restarted = performance.now();
    operator = this.startOperator();
    await until('the operator has looked at every job', () => this.node.asked.size >= count, { seconds: 120 });
    const back = (performance.now() - restarted) / 1000;
    const peakAfterRestart = peakMebibytes(operator);
    return [
      { name: 'jobs', label: 'FlowJobs that run', value: count },
      { name: 'allRunningSeconds', label: 'all of them created until the last is told running, s', value: allRun },
      {
        name: 'operatorPeakMiB',
        label: 'operator, highest resident memory, MiB',
        value: Math.max(peak, peakAfterRestart),
        target: '<= 250',
      },
      { name: 'writesAtRestPerMinute', label: 'writes a minute at rest', value: writes, target: '<= 0' },
      { name: 'cpuAtRestSecondsPerMinute', label: 'operator, CPU seconds a minute at rest', value: cpu },
      { name: 'engineRequestsPerSecond', label: 'questions to JobManagers a second at rest', value: requests },
      {
        name: 'eventToWriteP99Ms',
        label: 'watch event to first write, p99, ms',
        value: answers[Math.ceil(answers.length * 0.99) - 1]!,
        target: '<= 250',
      },
      {
        name: 'restartSeconds',
        label: 'operator killed and started: until it has looked at all, s',
        value: back,
        target: '<= 20',
      },
    ];
  }

  async close(): Promise<void> {
    this.kill();
    this.closing.abort();
    await this.node.stop();
  }

  private startOperator(): number {
    // As in the chart.
    const flags = ['--max-old-space-size=384', '--max-semi-space-size=8', 'dist/kubernetes-operator.js'];
    const args = ['--image', 'stub', '--kubeconfig', this.plane.kubeconfig(), '--http-port', '0'];
    this.operator = spawn(process.execPath, [...flags, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
    });
    return this.operator.pid!;
  }

  private kill(): void {
    this.operator?.kill('SIGKILL');
    this.operator = null;
  }

  private async create(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `job-${index}`);
    for (let next = 0; next < count; next += 20)
      await Promise.all(names.slice(next, next + 20).map(async (name) => this.client.create(FLOWJOBS, manifest(name))));
  }

  private async untilAllRun(count: number): Promise<void> {
    await until(
      'all jobs run',
      () => {
        if (this.operator?.exitCode !== null || this.operator.signalCode !== null)
          throw new InVain('the operator has ended by itself');
        const failed = this.jobs.store.list().find(({ status }) => status?.state === 'Failed');
        if (failed !== undefined) throw new InVain(JSON.stringify(failed.status));
        const running = this.jobs.store.list().filter(({ status }) => status?.state === 'Running').length;
        if (running >= count) return true;
        throw new Error(`${running} of ${count} run`);
      },
      { seconds: 600, every: 200 },
    );
  }

  /** Milliseconds from the news of a change to the first write of the operator, each of another job. */
  private async change(times: number): Promise<number[]> {
    const told = new Map<string, number>();
    const answers: number[] = [];
    const end = this.jobs.store.onChange(({ object: { metadata, status, spec } }) => {
      if (spec.deletionPolicy !== 'Delete') return;
      if (!told.has(metadata.name)) told.set(metadata.name, performance.now());
      else if (status?.observedGeneration === metadata.generation)
        answers.push(performance.now() - told.get(metadata.name)!);
    });
    for (let index = 0; index < times; index++) {
      const ref = { namespace: NAMESPACE, name: `job-${index}` };
      await this.client.patch(FLOWJOBS, ref, { merge: { spec: { deletionPolicy: 'Delete' } } });
      await delay(CHANGE_EVERY);
    }
    await until('every change was answered', () => answers.length >= times, { seconds: 60 });
    end();
    return answers;
  }

  /** So many writes the API server has seen of the kinds that the operator writes. */
  private async writes(): Promise<number> {
    const { body } = await this.plane.apiServer.get('/metrics');
    let sum = 0;
    for (const line of body.split('\n')) {
      const [, labels, value] = /^apiserver_request_total\{([^}]*)\} (\S+)/.exec(line) ?? [];
      if (labels === undefined) continue;
      const label = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
      const written = `${label('group')}/${label('resource')}`.replace(/^\//, '');
      if (/^(POST|PUT|PATCH|APPLY|DELETE)$/.test(label('verb')) && WRITTEN.test(written)) sum += Number(value);
    }
    return sum;
  }
}

function manifest(name: string): Manifest<FlowJob> {
  const sql = `CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n FROM numbers;`;
  return {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name, namespace: NAMESPACE },
    spec: { mode: 'Streaming', job: { sql: { inline: sql } } },
  } as unknown as Manifest<FlowJob>;
}
