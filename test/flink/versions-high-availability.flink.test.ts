// High availability on Kubernetes with versions of Apache Flink before the newest: JVMs in the place of pods, a real API server, and no rights but those that the
// operator gives to a job.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock as clock } from '../../engine/clock.ts';
import type { CheckpointsAnswer } from '../../src/engine-client/answers.ts';
import { EngineClient } from '../../src/engine-client/engine-client.ts';
import { highAvailabilityConfig, metadataNames } from '../../src/engine-client/flink/high-availability.ts';
import { readResult } from '../../src/engine-client/flink/job-results.ts';
import { stateFiles } from '../../src/engine-client/flink/state-files/by-scheme.ts';
import { VERSIONS } from '../../src/engine-client/flink/versions.ts';
import type { AttemptPlan } from '../../src/runtime/port.ts';
import { flinkPlan } from '../../src/runtime/kubernetes/flink-plan.fixture.ts';
import { KubernetesRuntime } from '../../src/runtime/kubernetes/kubernetes-runtime.ts';
import type { DataObject } from '../../src/store/kubernetes/core-kinds.ts';
import { until } from '../harness/until.ts';
import { startOperatorParts, type OperatorParts } from '../kubernetes/operator-parts.ts';
import { ensureExample, ensureFlink } from './distribution.ts';
import { JvmRuntime } from './jvm-runtime.ts';

const NAMESPACE = 'a';
const PATIENCE = { seconds: 180, every: 200 };
const SQL = `CREATE TABLE n (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
CREATE TABLE seen (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO seen SELECT n FROM n;`;

let parts: OperatorParts;
let operator: KubernetesRuntime;
let work: string;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'flowjob-high-availability-'));
  parts = await startOperatorParts([NAMESPACE], 'flink.highAvailability.enabled=true');
  const { client, onTrouble } = parts.options;
  const settings = { image: 'flowjob:dev', flinkHighAvailability: true };
  operator = new KubernetesRuntime({ client, pods: parts.pods, clock, onTrouble, ...settings });
}, 900_000);

afterAll(async () => {
  await parts.stop();
  rmSync(work, { recursive: true });
}, 240_000);

/** A file by which a process is the job's own service account. */
async function kubeconfigOf(account: string): Promise<string> {
  const { kubectl } = parts.rights;
  const admin = JSON.parse(await kubectl.run('config', 'view', '--raw', '--minify', '--output', 'json')) as {
    clusters: { cluster: object }[];
  };
  const token = (await kubectl.run('create', 'token', account, '--namespace', NAMESPACE)).trim();
  const file = join(work, `${account}.kubeconfig`);
  const context = { cluster: 'here', user: account, namespace: NAMESPACE };
  writeFileSync(
    file,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'here', cluster: admin.clusters[0]!.cluster }],
      users: [{ name: account, user: { token } }],
      contexts: [{ name: 'here', context }],
      'current-context': 'here',
    }),
  );
  return file;
}

/** The id of the newest checkpoint in the run's ConfigMap. */
async function newestInConfigMap(run: { job: string; jobId: string }): Promise<number> {
  const { checkpoints } = metadataNames(run);
  const { data = {} } = await parts.rights.kubectl.get<DataObject>('configmap', checkpoints, '-n', NAMESPACE);
  return Math.max(...Object.keys(data).flatMap((key) => Number(/^checkpointID-(\d+)$/.exec(key)?.[1] ?? 0)));
}

test.each(['1.20', '2.0', '2.1', '2.2'] as const)(
  'with Flink %s a JobManager that is lost is followed by one that goes on from the ConfigMap’s checkpoint, and how the run ends is written down',
  async (version) => {
    const name = `orders-${version.replace('.', '-')}`;
    const home = await ensureFlink(console.log, version);
    const { metadata } = await parts.applied(NAMESPACE, name);
    const key = { namespace: NAMESPACE, name };
    const jobId = version.replace('.', '').padEnd(32, 'e');
    const folder = join(work, name);
    mkdirSync(folder);
    const jvms = new JvmRuntime({ [version]: home }, folder);
    const program =
      version === '1.20' ? { jar: { uri: await ensureExample(console.log, version) } } : { sql: { inline: SQL } };
    const fields = {
      engine: { type: 'Flink', version },
      job: { ...program, parallelism: 1 },
      state: { checkpoint: { interval: '1s' } },
      taskManager: { slots: 1, resources: { limits: { memory: '1Gi' } } },
    };
    /** `config`: what no user may set, and the operator says. */
    const planOf = (epoch: number, config: Record<string, string>, resumeFrom?: string): AttemptPlan => {
      const attempt = { epoch, jobId, ...(resumeFrom === undefined ? {} : { resumeFrom }) };
      const plan = flinkPlan(fields, attempt);
      const spec = { ...plan.spec, engine: { ...plan.spec.engine, config } };
      return { ...plan, key, uid: metadata.uid, spec };
    };
    /** The operator makes what the attempt needs on the API server, where no node runs its pods; the JVMs are those pods. */
    const start = async (epoch: number, resumeFrom?: string): Promise<() => Promise<CheckpointsAnswer>> => {
      await operator.ensureProcesses(planOf(epoch, {}, resumeFrom), []);
      const config = {
        ...highAvailabilityConfig(
          { job: name, namespace: NAMESPACE, jobId },
          `file://${folder}/state`,
          VERSIONS[version],
        ),
        'kubernetes.config.file': await kubeconfigOf(`${name}-flink`),
      };
      const plan = planOf(epoch, config, resumeFrom);
      await jvms.ensureProcesses(plan, []);
      rest = new EngineClient({ ...(await jvms.connection(key, plan.attempt))!, timeoutMs: 5_000 });
      return async () => rest.checkpoints(jobId);
    };
    let rest: EngineClient;
    try {
      const first = await start(1);
      const { external_path: path = '' } = await until(
        'a checkpoint is complete',
        async () => (await first()).latest.completed,
        PATIENCE,
      );
      jvms.close();
      await until('its processes have gone', () => jvms.processes().every(({ state }) => state === 'Exited'), PATIENCE);

      const newest = await newestInConfigMap({ job: name, jobId });
      const resumeFrom = path.replace(/^file:/, '').replace(/chk-\d+$/, `chk-${newest}`);
      const second = await start(2, resumeFrom);
      const restored = await until('the next one has restored', async () => (await second()).latest.restored, PATIENCE);
      expect(restored).toMatchObject({
        id: newest,
        is_savepoint: false,
        external_path: expect.stringContaining(resumeFrom),
      });
      const goesOn = async (): Promise<boolean> => ((await second()).latest.completed?.id ?? 0) > newest;
      await until('it completes the next checkpoint', goesOn, PATIENCE);

      await rest!.cancel(jobId);
      const files = await stateFiles(undefined);
      const result = async () => readResult(files, `${folder}/state`, jobId);
      expect(await until('its end is written down', result, PATIENCE)).toMatchObject({ state: 'CANCELED' });
    } finally {
      jvms.close();
    }
  },
  900_000,
);
