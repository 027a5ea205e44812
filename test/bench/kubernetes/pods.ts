// How long people wait in pods: from apply to running, while an upgrade is under way, while what was killed comes back. The engine's own REST API says what
// runs, the rows in sight say what an upgrade cost; the operator's status is judged against them.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Informer } from '../../../src/kube/cache/informer.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { loadAuthentication } from '../../../src/kube/rest/auth.ts';
import { Client } from '../../../src/kube/rest/client.ts';
import { HttpsTransport } from '../../../src/kube/rest/transport.ts';
import { systemClock } from '../../../engine/clock.ts';
import { until } from '../../harness/until.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import { median, type Figure } from '../report.ts';
import type { Subject } from './subject.ts';

export interface PodPlan {
  starts: number;
  upgrades: number;
  kills: number;
}

/** What is aimed at; a figure without a target is told all the same. */
export interface PodTargets {
  applyToRunningSeconds?: number;
  statusBehindSeconds?: number;
  applyToFirstOutputSeconds?: number;
  upgradeDowntimeSeconds?: number;
  taskManagerKilledSeconds?: number;
  jobManagerKilledSeconds?: number;
  smallJobMiB?: number;
}

/** What is aimed at of the embedded engine. */
export const EMBEDDED_TARGETS: PodTargets = {
  applyToRunningSeconds: 2,
  statusBehindSeconds: 0.5,
  upgradeDowntimeSeconds: 2,
  taskManagerKilledSeconds: 2,
  jobManagerKilledSeconds: 3,
  smallJobMiB: 200,
};

/** Between two looks, milliseconds. */
const LOOK = 20;
/** A job runs this long before something is done to it. */
const STEADY = 3_000;

export class PodBench {
  private readonly subject: Subject;
  private readonly kubectl: Kubectl;
  private readonly namespace: string;
  private readonly client: Client;
  private readonly informer: Informer<KubeObject>;
  private readonly closing = new AbortController();

  private constructor(subject: Subject, kubectl: Kubectl, namespace: string, client: Client) {
    this.subject = subject;
    this.kubectl = kubectl;
    this.namespace = namespace;
    this.client = client;
    this.informer = new Informer({
      client,
      resource: subject.resource,
      selection: { namespace },
      clock: systemClock,
      random: Math.random,
      onTrouble: console.error,
    });
  }

  static async open(subject: Subject, kubectl: Kubectl, namespace: string): Promise<PodBench> {
    const authentication = await loadAuthentication({ file: kubectl.kubeconfig, clock: systemClock });
    const transport = new HttpsTransport(authentication);
    const client = new Client({ transport, clock: systemClock, random: Math.random, userAgent: 'flowjob-bench' });
    const bench = new PodBench(subject, kubectl, namespace, client);
    void bench.informer.run(bench.closing.signal);
    await bench.informer.synced;
    return bench;
  }

  async measure(plan: PodPlan, targets: PodTargets, names: (name: string) => string = String): Promise<Figure[]> {
    const figure = (name: keyof PodTargets, label: string, value: number): Figure => ({
      name: names(name),
      label,
      value,
      ...(targets[name] === undefined ? {} : { target: `<= ${targets[name]}` }),
    });
    const starts = await repeat(plan.starts, async () => this.start());
    const { firstOutput, downtimes, taskManager, jobManager, mebibytes } = await this.disturb(plan);
    const seconds = (times: number[]): number => median(times) / 1000;
    return [
      figure('applyToRunningSeconds', 'apply to all tasks running, p50, s', seconds(starts.map((s) => s.running))),
      figure('statusBehindSeconds', 'from then until status says so, p50, s', seconds(starts.map((s) => s.told))),
      figure('applyToFirstOutputSeconds', 'apply to first row in sight, once, s', firstOutput / 1000),
      figure('upgradeDowntimeSeconds', 'upgrade: last row of the old to first of the new, p50, s', seconds(downtimes)),
      figure('taskManagerKilledSeconds', 'TaskManager killed to running again, p50, s', seconds(taskManager)),
      figure('jobManagerKilledSeconds', 'JobManager killed to running again, p50, s', seconds(jobManager)),
      figure('smallJobMiB', 'JobManager and TaskManager of a small job, working set, MiB', mebibytes),
    ];
  }

  close(): void {
    this.closing.abort();
  }

  /** A job of its own, applied and removed. Milliseconds. */
  private async start(): Promise<{ running: number; told: number }> {
    const name = `start-${randomUUID().slice(0, 6)}`;
    const told = this.told(name);
    const begun = Date.now();
    await this.client.create(this.subject.resource, this.subject.stream(name, 1));
    const running = await until(`${name} runs`, async () => this.running(name, begun), { seconds: 120, every: LOOK });
    const toldAt = await told;
    await this.remove(name);
    return { running: running - begun, told: Math.max(0, toldAt - running) };
  }

  /** One job that is upgraded, whose pods are killed. Milliseconds, MiB. */
  private async disturb({ upgrades, kills }: PodPlan): Promise<{
    firstOutput: number;
    downtimes: number[];
    taskManager: number[];
    jobManager: number[];
    mebibytes: number;
  }> {
    // A claim outlives its job: the next subject that is measured has another one.
    const name = `disturbed-${randomUUID().slice(0, 6)}`;
    const begun = Date.now();
    await this.client.create(this.subject.resource, this.subject.stream(name, 1));
    await until(`${name} runs`, async () => this.running(name, begun), { seconds: 120, every: LOOK });
    await this.steady(name);
    for (let version = 2; version < upgrades + 2; version++) {
      await this.client.apply(this.subject.resource, this.subject.stream(name, version), {
        fieldManager: 'flowjob-bench',
        force: true,
      });
      await this.steady(name);
    }
    const mebibytes = await this.memory(name);
    const taskManager = await repeat(kills, async () => this.kill(name, 'taskmanager'));
    const jobManager = await repeat(kills, async () => this.kill(name, 'jobmanager'));
    const visible = await this.subject.visible(name);
    await this.remove(name);
    const downtimes: number[] = [];
    for (let version = 2; version < upgrades + 2; version++)
      downtimes.push(visible.get(version)!.first - visible.get(version - 1)!.last);
    return { firstOutput: visible.get(1)!.first - begun, downtimes, taskManager, jobManager, mebibytes };
  }

  private async kill(name: string, role: 'jobmanager' | 'taskmanager'): Promise<number> {
    const [pod] = await this.subject.pods(name, role);
    if (pod === undefined) throw new Error(`${name} has no ${role}`);
    const killed = Date.now();
    await this.kubectl.run('delete', 'pod', pod, '-n', this.namespace, '--grace-period=0', '--force', '--wait=false');
    const running = await until(`${name} runs again`, async () => this.running(name, killed), {
      seconds: 120,
      every: LOOK,
    });
    await this.steady(name);
    return running - killed;
  }

  /** The moment at which all tasks were seen to run that were started after `since`; null before. */
  private async running(name: string, since: number): Promise<number | null> {
    const view = await this.subject.tasks(name);
    return view !== null && view.running && view.startedAt >= since ? Date.now() : null;
  }

  /** When status first said that what was applied runs. */
  private async told(name: string): Promise<number> {
    return new Promise((resolve) => {
      const end = this.informer.store.onChange(({ type, object }) => {
        if (type === 'Deleted' || object.metadata.name !== name || !this.subject.saysRunning(object)) return;
        end();
        resolve(Date.now());
      });
    });
  }

  /** Runs by its operator's word, and has for a while. */
  private async steady(name: string): Promise<void> {
    const ref = { namespace: this.namespace, name };
    await until(
      `${name} is said to run`,
      async () => this.subject.saysRunning(await this.client.get(this.subject.resource, ref)),
      { seconds: 120, every: 100 },
    );
    await delay(STEADY);
  }

  private async memory(name: string): Promise<number> {
    const pods = [...(await this.subject.pods(name, 'jobmanager')), ...(await this.subject.pods(name, 'taskmanager'))];
    const nodes = await this.kubectl.get<{ items: { metadata: { name: string } }[] }>('nodes');
    let bytes = 0;
    for (const { metadata } of nodes.items) {
      const path = `/api/v1/nodes/${metadata.name}/proxy/stats/summary`;
      const stats = JSON.parse(await this.kubectl.run('get', '--raw', path)) as Stats;
      for (const { podRef, containers } of stats.pods)
        if (podRef.namespace === this.namespace && pods.includes(podRef.name))
          for (const { memory } of containers) bytes += memory?.workingSetBytes ?? 0;
    }
    if (bytes === 0) throw new Error(`the kubelets tell nothing of the memory of ${pods.join(', ')}`);
    return bytes / 2 ** 20;
  }

  private async remove(name: string): Promise<void> {
    await this.kubectl.run('delete', this.subject.resource.plural, name, '-n', this.namespace, '--timeout=60s');
  }
}

interface Stats {
  pods: { podRef: { name: string; namespace: string }; containers: { memory?: { workingSetBytes?: number } }[] }[];
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < times; i++) results.push(await work());
  return results;
}
