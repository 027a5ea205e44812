// The operator on Kubernetes: `kubernetes-operator`. Read it top to bottom and you know the program: a client, one leader among the replicas, a store on the
// API server, a runtime of pods, and the same loop that joins them on one machine.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { systemClock } from '../engine/clock.ts';
import { Controller } from './controller/controller.ts';
import { SqlChecker } from './engine-client/validate-sql.ts';
import { EventRecorder } from './kube/events.ts';
import { LeaderElector, type Leadership } from './kube/leader/elector.ts';
import { loadAuthentication } from './kube/rest/auth.ts';
import { Client } from './kube/rest/client.ts';
import { HttpsTransport } from './kube/rest/transport.ts';
import { desiredSpec } from './lifecycle/change.ts';
import { KubernetesRuntime } from './runtime/kubernetes/kubernetes-runtime.ts';
import { serveHealth } from './server/health.ts';
import { KubernetesConfigMaps } from './store/kubernetes/kubernetes-config-maps.ts';
import { KubernetesRevisions } from './store/kubernetes/kubernetes-revisions.ts';
import { KubernetesStore } from './store/kubernetes/kubernetes-store.ts';

const { env } = process;
const { values } = parseArgs({
  options: {
    namespace: { type: 'string' },
    image: { type: 'string' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    'health-port': { type: 'string', default: '8080' },
    'leader-elect': { type: 'boolean', default: false },
  },
});
const image = values.image ?? env['FLOWJOB_IMAGE'];
if (image === undefined || image === '') {
  console.error('operator: --image is missing: name the image of JobManager and TaskManagers, or set FLOWJOB_IMAGE');
  process.exit(2);
}
const namespace = values.namespace ?? (env['FLOWJOB_NAMESPACE'] === '' ? undefined : env['FLOWJOB_NAMESPACE']);

const log = pino({ base: { pod: env['POD_NAME'] ?? String(process.pid) } });
for (const kind of ['unhandledRejection', 'uncaughtException'] as const)
  process.on(kind, (error) => {
    log.fatal({ err: error }, kind);
    process.exit(1);
  });

const clock = systemClock;
const random = Math.random;
const onTrouble = (error: unknown): void => log.warn({ err: error }, 'trouble; it is tried again');
const authentication = await loadAuthentication({ file: values.kubeconfig, context: values.context, clock });
const unfenced = new Client({
  transport: new HttpsTransport(authentication),
  clock,
  random,
  userAgent: 'flowjob-operator',
});
const identity = `${env['POD_NAME'] ?? 'operator'}-${randomBytes(4).toString('hex')}`;

// Jobs run on without the operator; the next one takes them up.
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    log.info({ signal }, 'ending; jobs run on');
    ending.abort();
  });

let synced: () => boolean = () => !values['leader-elect'] || waiting;
let waiting = true;
const health = await serveHealth({ port: Number(values['health-port']), ready: () => synced() });

async function lead(client: Client, stop: AbortSignal): Promise<void> {
  waiting = false;
  const recorder = new EventRecorder({
    client,
    controller: 'flowjob.dev/operator',
    instance: env['POD_NAME'] ?? identity,
    clock,
    random,
  });
  const store = new KubernetesStore({ client, recorder, namespace, clock, random, onTrouble });
  const runtime = new KubernetesRuntime({ client, namespace, image: image!, clock, random, onTrouble });
  const configMaps = new KubernetesConfigMaps({ client, namespace, clock, random, onTrouble });
  synced = () => store.hasSynced && runtime.hasSynced;
  await Promise.all([store.start(), runtime.start()]);
  log.info({ namespace: namespace ?? 'all', image }, 'operator started');
  const sql = new SqlChecker();
  const controller = new Controller({
    store,
    runtime,
    checkSql: (job, text) => sql.check(job.metadata.uid, job.metadata.name, desiredSpec(job, text)),
    configMaps,
    revisions: new KubernetesRevisions(client),
    now: Date.now,
    log,
  });
  await controller.run(stop);
  runtime.close();
  configMaps.close();
  await store.close();
}

if (values['leader-elect']) {
  const elector = new LeaderElector({
    client: unfenced,
    lease: { namespace: env['POD_NAMESPACE'] ?? authentication.namespace, name: 'flowjob-operator' },
    identity,
    clock,
    random,
    onTrouble,
  });
  const outcome = await elector.run(ending.signal, async ({ fence }: Leadership) =>
    lead(unfenced.fenced(fence), AbortSignal.any([ending.signal, fence.signal])),
  );
  if (outcome === 'lost') {
    log.warn({}, 'another replica leads; this one ends');
    process.exit(1);
  }
} else await lead(unfenced, ending.signal);
health.close();
log.info({}, 'operator ended');
process.exit(0);
