// The operator on Kubernetes: `kubernetes-operator`. Read it top to bottom and you know the program: a client, caches that every replica keeps, one leader among
// the replicas, which alone writes, and the same loop that joins store and runtime on one machine.
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { systemClock } from '../engine/clock.ts';
import { Autoscaler } from './controller/autoscaling/autoscaler.ts';
import { CheckpointSamples } from './controller/checkpoint-samples.ts';
import { ClusterController, CLUSTER_WORKERS } from './controller/clusters/cluster-controller.ts';
import { Controller } from './controller/controller.ts';
import { checkClusterSpec, checkFlinkSpec } from './engine-client/flink/check-spec.ts';
import { SqlChecker } from './engine-client/validate-sql.ts';
import { EventRecorder } from './kube/events.ts';
import { LeaderElector, type Leadership } from './kube/leader/elector.ts';
import { loadAuthentication } from './kube/rest/auth.ts';
import { Client } from './kube/rest/client.ts';
import type { Fence } from './kube/rest/requester.ts';
import { HttpsTransport } from './kube/rest/transport.ts';
import { Turns } from './kube/rest/turns.ts';
import { sleep } from './kube/time.ts';
import { desiredSpec } from './lifecycle/change.ts';
import { operatorSettings, type OperatorSettings } from './operator-settings.ts';
import { endOnUncaught, endSignal } from './program.ts';
import { KubernetesRuntime } from './runtime/kubernetes/kubernetes-runtime.ts';
import { clusterPodCache } from './runtime/kubernetes/clusters/cluster-pod-cache.ts';
import { KubernetesClusters } from './runtime/kubernetes/clusters/kubernetes-clusters.ts';
import { SessionRuntime } from './runtime/kubernetes/clusters/session-runtime.ts';
import { podCache } from './runtime/kubernetes/pod-cache.ts';
import type { Runtime } from './runtime/port.ts';
import { Liveness } from './server/liveness.ts';
import { operatorMetrics } from './server/metrics.ts';
import { serve } from './server/serve.ts';
import { UpgradeTimer } from './server/upgrade-timer.ts';
import { JobCaches } from './store/kubernetes/job-caches.ts';
import { KubernetesConfigMaps } from './store/kubernetes/kubernetes-config-maps.ts';
import { KubernetesLearned } from './store/kubernetes/kubernetes-learned.ts';
import { KubernetesRevisions } from './store/kubernetes/kubernetes-revisions.ts';
import { KubernetesStore } from './store/kubernetes/kubernetes-store.ts';

const { env } = process;
let settings: OperatorSettings;
try {
  settings = operatorSettings(process.argv.slice(2), env);
} catch (error) {
  console.error(`operator: ${(error as Error).message}`);
  process.exit(2);
}
const { image, namespaces } = settings;
const log = pino({ base: { pod: env['POD_NAME'] ?? String(process.pid) } });
endOnUncaught(log);
const ending = endSignal(log);

/** Of the API server: more of them would not be answered sooner. */
const CALLS_AT_ONCE = 24;

const clock = systemClock;
const random = Math.random;
const onTrouble = (error: unknown): void => log.warn({ err: error }, 'trouble; it is tried again');
const authentication = await loadAuthentication({ file: settings.kubeconfig, context: settings.context, clock });
const lease = { namespace: env['POD_NAMESPACE'] ?? authentication.namespace, name: settings.leaseName };
const metrics = operatorMetrics({
  host: (await authentication.credentials()).server.host,
  lease: settings.leaderElect ? lease.name : undefined,
});
const transport = new HttpsTransport(authentication);
const calling = { transport, clock, random, userAgent: 'flowjob-operator', metrics: metrics.kube };
const reader = new Client({ ...calling, turns: new Turns(CALLS_AT_ONCE) });

// Every replica knows all that there is: the next leader has nothing to load.
const common = { client: reader, namespaces, clock, random, onTrouble, metrics: metrics.kube };
const objects = new JobCaches(common);
const pods = podCache(common);
const clusterPods = clusterPodCache(common);
const caches = [objects, pods, clusterPods];
const reading = Promise.all(caches.map((cache) => cache.run(ending)));

let workingSince: () => number | undefined = () => undefined;
const liveness = new Liveness({ clock, workingSince: () => workingSince() });
const server = await serve({
  port: settings.httpPort,
  stuck: () => liveness.stuck,
  notReady: () => (caches.every(({ hasSynced }) => hasSynced) ? null : 'the caches are not synced yet'),
  metrics: { contentType: metrics.registry.contentType, text: () => metrics.registry.metrics() },
});
log.info({ namespaces: namespaces.length === 0 ? 'all' : namespaces, image }, 'operator started');

/** `fence`: what every write and every call to a JobManager asks whether it may still be made. */
async function lead(client: Client, stop: AbortSignal, fence?: Fence): Promise<void> {
  // What the leader before this one wrote last may still be on its way here.
  const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  await Promise.race([Promise.all(caches.map((cache) => cache.refresh())), stopped]);
  if (stop.aborted) return;
  const instance = env['POD_NAME'] ?? identity;
  const recorder = new EventRecorder({
    ...{ client, controller: 'flowjob.dev/operator', instance, clock, random },
    metrics: metrics.kube,
  });
  const store = new KubernetesStore({ client, recorder, caches: objects });
  const operatorNamespace = env['POD_NAMESPACE'];
  const clusterProcesses = new KubernetesClusters({ client, pods: clusterPods, clock, operatorNamespace });
  const runtime = new SessionRuntime({
    inner: new KubernetesRuntime({
      ...{ client, pods, image, clock, onTrouble, ending: stop, operatorNamespace },
      flinkHighAvailability: settings.flinkHighAvailability,
    }),
    jobs: objects.of('FlowJob'),
    clusters: objects.of('FlowCluster'),
    processes: clusterProcesses,
    ...{ clock, onTrouble },
  });
  const configMaps = new KubernetesConfigMaps({ ...common, client });
  const sql = new SqlChecker(checkFlinkSpec);
  const autoscaler = new Autoscaler({
    jobs: () => objects.of('FlowJob').list(),
    runtime,
    clock,
    wake: (key) => controller.wake(key),
    record: () => undefined,
    learned: new KubernetesLearned(client),
    tell: (event) => store.recordEvent(event),
    onTrouble: (err, job) => log.warn({ job: job?.name, err }, 'trouble with autoscaling; it is tried again'),
  });
  const controller: Controller = new Controller({
    store,
    autoscaler,
    runtime,
    checkSql: (job, text) => sql.check(job.metadata.uid, job.metadata.name, desiredSpec(job, { sql: text })),
    configMaps,
    clusters: runtime,
    revisions: new KubernetesRevisions(client),
    mayAct: () => fence?.check(),
    now: Date.now,
    log,
    metrics: metrics.kube,
  });
  const clusters = new ClusterController({
    store,
    runtime: clusterProcesses,
    check: checkClusterSpec,
    mayAct: () => fence?.check(),
    wake: (job) => controller.wake(job),
    now: Date.now,
    log,
    metrics: metrics.kube,
  });
  workingSince = () => {
    const begun = [controller.queue, clusters.queue].flatMap(({ workingSince }) => workingSince ?? []);
    return begun.length === 0 ? undefined : Math.min(...begun);
  };
  metrics.kube.watchQueue('flowjob', Infinity, controller.queue);
  metrics.kube.watchQueue('flowcluster', CLUSTER_WORKERS, clusters.queue);
  tellOfJobs(runtime, autoscaler, stop);
  log.info({}, 'leading');
  void autoscaler.run(stop);
  await Promise.all([controller.run(stop), clusters.run(stop)]);
  // What was told and learned last is not to be lost, and the lease is not to be held up by it.
  const late = new AbortController();
  await Promise.race([
    Promise.all([recorder.close(), autoscaler.close()]),
    sleep(clock, LAST_WORDS, late.signal).catch(() => undefined),
  ]);
  late.abort();
  runtime.close();
  clusterProcesses.close();
  configMaps.close();
  await store.close();
}

/** Metrics of the jobs, from what is known of them. */
function tellOfJobs(runtime: Runtime, autoscaler: Autoscaler, stop: AbortSignal): void {
  const jobs = objects.of('FlowJob');
  const checkpoints = new CheckpointSamples({ jobs: () => jobs.list(), runtime, clock });
  const upgrades = new UpgradeTimer(() => clock.monotonic());
  jobs.onChange((change) => upgrades.see(change));
  void checkpoints.run(stop);
  metrics.tellOfJobs(() =>
    jobs.list().map((job) => {
      const { uid } = job.metadata;
      return {
        job,
        checkpoints: checkpoints.of(uid),
        upgradeSeconds: upgrades.of(uid),
        autoscaling: autoscaler.figures(uid),
      };
    }),
  );
}

const identity = `${env['POD_NAME'] ?? 'operator'}-${randomBytes(4).toString('hex')}`;
/** For what is not written yet when the operator ends. Milliseconds. */
const LAST_WORDS = 2_000;
/** For passes that are under way when the lease is lost. They can write nothing any more. */
const GRACE = 10_000;

if (settings.leaderElect) {
  const elector = new LeaderElector({
    // A lease is not kept waiting by what there is to do for jobs.
    ...{ client: new Client(calling), lease, identity, clock, random, onTrouble },
    metrics: metrics.kube,
  });
  const outcome = await elector.run(ending, async ({ fence }: Leadership) => {
    fence.signal.addEventListener('abort', () => clock.after(GRACE, () => process.exit(1)), { once: true });
    await lead(reader.fenced(fence), AbortSignal.any([ending, fence.signal]), fence);
  });
  if (outcome === 'lost') {
    log.warn({}, 'another replica leads; this one ends');
    process.exit(1);
  }
} else await lead(reader, ending);
await reading;
server.close();
log.info({}, 'operator ended');
process.exit(0);
