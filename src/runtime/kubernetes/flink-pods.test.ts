// Pods of an attempt on Apache Flink: who runs, with which memory, from where.
import { parse } from 'yaml';
import type { AttemptPlan } from '../port.ts';
import { configMap, networkPolicy, restService } from './children.ts';
import { flinkPlan } from './flink-plan.fixture.ts';
import { flinkFiles, flinkJobManagerPod, flinkTaskManagerPod, originOf } from './flink-pods.ts';
import { isSubmittable, submissionOf } from './submitted-job.ts';

interface Container {
  image: string;
  command: string[];
  resources: { limits: { memory: string } };
}
const containerOf = (pod: { spec: Record<string, unknown> }): Container => (pod.spec['containers'] as Container[])[0]!;
const after = (command: string[], option: string): string | undefined =>
  command.includes(option) ? command[command.indexOf(option) + 1] : undefined;
const configOf = (plan: AttemptPlan): Record<string, string> =>
  parse(flinkFiles(plan)['config.yaml']!) as Record<string, string>;
const settings = { image: 'flowjob:1' };
const place = { index: 0, restarts: 0, jobManagerAddress: '10.0.0.7' };

test('the JobManager runs the one job under the id that status names, from the SQL in the Secret', () => {
  const { image, command, resources } = containerOf(flinkJobManagerPod(flinkPlan(), settings));
  expect(image).toBe('docker.io/library/flink:2.3-java17');
  expect(after(command, '--job-id')).toBe('a'.repeat(32));
  expect(after(command, '--scriptUri')).toBe('file:///flowjob/secret/job.sql');
  expect(command).not.toContain('--fromSavepoint');
  expect(resources.limits.memory).toBe('1Gi');
  expect(command).toContain('-Xmx469762048');
});

test('it goes on from the checkpoint of the attempt before it, else from what the run was restored from', () => {
  const restoreFrom = 'file:/flowjob/state/orders/flink/savepoints/b/savepoint-1';
  const restored = flinkPlan({}, { restoreFrom, allowNonRestoredState: true });
  const command = (plan: AttemptPlan) => containerOf(flinkJobManagerPod(plan, settings)).command;
  expect(after(command(restored), '--fromSavepoint')).toBe('/flowjob/state/orders/flink/savepoints/b/savepoint-1');
  expect(command(restored)).toContain('--allowNonRestoredState');
  const resumeFrom = '/flowjob/state/orders/flink/checkpoints/a/chk-7';
  expect(after(command(flinkPlan({}, { restoreFrom, resumeFrom })), '--fromSavepoint')).toBe(resumeFrom);
});

test('a TaskManager is told where its JobManager is, and what it may use', () => {
  const pod = flinkTaskManagerPod(flinkPlan(), { ...place, index: 1, restarts: 2 });
  const { command, resources } = containerOf(pod);
  expect(pod.metadata.name).toBe('orders-3-taskmanager-1-2');
  expect(command).toContain('jobmanager.rpc.address=10.0.0.7');
  expect(command).toContain('taskmanager.resource-id=orders-3-taskmanager-1-2');
  expect(command).toContain('-XX:MaxDirectMemorySize=268435458');
  expect(resources.limits.memory).toBe('1728Mi');
});

test('memory that an autoscaler decided on counts for the limit and for the division', () => {
  const { command, resources } = containerOf(flinkTaskManagerPod({ ...flinkPlan(), taskManagerMemory: '4Gi' }, place));
  expect(resources.limits.memory).toBe('4Gi');
  expect(command).toContain('-Xmx1664299798');
});

test('the configuration has the user’s keys under what the spec’s own fields say', () => {
  const config = configOf(
    flinkPlan({
      engine: {
        type: 'Flink',
        version: '2.3',
        config: { 'web.refresh-interval': '1 s', 'state.backend.type': 'rocksdb' },
      },
      state: { checkpoint: { interval: '5s' } },
      taskManager: { replicas: 2, slots: 3 },
    }),
  );
  expect(config).toMatchObject({
    'web.refresh-interval': '1 s',
    'state.backend.type': 'rocksdb',
    'execution.checkpointing.interval': '5000 ms',
    'execution.checkpointing.dir': 'file:///flowjob/state/orders/flink/checkpoints',
    'parallelism.default': '6',
    'taskmanager.numberOfTaskSlots': '3',
    'execution.runtime-mode': 'STREAMING',
    'execution.shutdown-on-application-finish': 'false',
  });
});

test('a batch takes no checkpoints, and gives up after a few tries of its own', () => {
  const config = configOf(flinkPlan({ mode: 'Batch' }));
  expect(config).toMatchObject({ 'execution.runtime-mode': 'BATCH', 'restart-strategy.fixed-delay.attempts': '3' });
  expect(Object.keys(config).filter((key) => key.startsWith('execution.checkpointing.interval'))).toEqual([]);
});

test('mode Automatic is a stream with fewer checkpoints during a backlog, never more than usually, and as the user says', () => {
  const key = 'execution.checkpointing.interval-during-backlog';
  const config = (spec: object) => configOf(flinkPlan({ mode: 'Automatic', ...spec }));
  expect(config({})).toMatchObject({
    'execution.runtime-mode': 'STREAMING',
    'execution.checkpointing.interval': '10000 ms',
    'jobmanager.scheduler': 'adaptive',
    [key]: '300000 ms',
  });
  expect(config({ state: { checkpoint: { interval: '10m' } } })[key]).toBe('600000 ms');
  expect(config({ engine: { type: 'Flink', version: '2.3', config: { [key]: '0' } } })[key]).toBe('0');
  expect(configOf(flinkPlan())).not.toHaveProperty([key]);
});

test('what others may do to Flink, which asks for no token, is for the operator’s pods alone', () => {
  const policy = networkPolicy(flinkPlan(), 'flowjob-system').spec as { ingress: { from?: object[] }[] };
  expect(policy.ingress[1]?.from).toEqual([
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'flowjob-system' } },
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'flowjob-operator' } },
    },
  ]);
});

test('pods run as the user of Flink’s image, and as nobody else', () => {
  for (const pod of [flinkJobManagerPod(flinkPlan(), settings), flinkTaskManagerPod(flinkPlan(), place)])
    expect(pod.spec['securityContext']).toMatchObject({ runAsUser: 9999, fsGroup: 9999, runAsNonRoot: true });
});

test('a jar of the image needs nothing more; one from elsewhere is fetched before the JobManager starts', () => {
  const ofJar = (jar: object) => flinkJobManagerPod(flinkPlan({ job: { jar } }), settings);
  const local = ofJar({ uri: 'local:///opt/flink/usrlib/a.jar', args: ['--rate', '5'] });
  expect(local.spec).not.toHaveProperty('initContainers');
  expect(containerOf(local).command.slice(-5)).toEqual([
    '--jars',
    'local:///opt/flink/usrlib/a.jar',
    '--',
    '--rate',
    '5',
  ]);

  const remote = ofJar({ uri: 'https://repo.example/$(HOME)/a.jar', sha256: 'a'.repeat(64) });
  const [fetch] = remote.spec['initContainers'] as (Container & { args: string[] })[];
  expect(fetch).toMatchObject({ name: 'fetch-jar', image: 'flowjob:1' });
  expect(after(fetch!.args, '--uri')).toBe('https://repo.example/$$(HOME)/a.jar');
  expect(after(fetch!.args, '--sha256')).toBe('a'.repeat(64));
  expect(after(containerOf(remote).command, '--jars')).toBe(`local://${after(fetch!.args, '--to')}`);
});

test('a jar on S3 is fetched as the state is kept, or as it says itself, with credentials that are for the init container', () => {
  const storage = {
    uri: 's3://flowjobs/state',
    endpoint: 'http://minio:9000',
    credentialsSecretRef: { name: 'state' },
  };
  const uri = 's3://jars/a.jar';
  const fetchOf = (jar: object, state: object = {}) => {
    const pod = flinkJobManagerPod(flinkPlan({ job: { jar: { uri, ...jar } }, state }), settings);
    const [init] = pod.spec['initContainers'] as (Container & { args: string[]; env: object[] })[];
    return { s3: JSON.parse(after(init!.args, '--s3')!) as unknown, env: JSON.stringify(init!.env), pod };
  };
  const asState = fetchOf({}, { storage });
  expect(asState.s3).toMatchObject({ field: 'spec.state.storage', access: { endpoint: 'http://minio:9000' } });
  expect(asState.env).toContain('"secretKeyRef":{"name":"state"');

  const own = fetchOf({ s3: { region: 'eu-central-1', credentialsSecretRef: { name: 'jars' } } }, { storage });
  expect(own.s3).toMatchObject({ field: 'spec.job.jar.s3', access: { region: 'eu-central-1' } });
  expect(own.s3).not.toHaveProperty('access.endpoint');
  expect(own.env).toContain('"secretKeyRef":{"name":"jars"');
  expect(JSON.stringify(own.pod.spec['containers'])).not.toContain('"name":"jars","key"');

  const identity = fetchOf({});
  expect(identity).toMatchObject({ s3: { field: 'spec.job.jar.s3', access: {} } });
  expect(identity.env).not.toContain('secretKeyRef');
});

test('SQL that refers to Secrets is read by Flink from a copy in memory, and what Flink prints of it goes nowhere', () => {
  const inline = "CREATE TABLE a (x INT) WITH ('p' = '${secret:db:password}'); INSERT INTO b SELECT * FROM a";
  const pod = flinkJobManagerPod(flinkPlan({ job: { sql: { inline } } }), settings);
  const [render] = pod.spec['initContainers'] as (Container & { args: string[]; env: object[] })[];
  expect(render).toMatchObject({
    name: 'render-sql',
    image: 'flowjob:1',
    env: [{ valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
  });
  expect(after(render!.args, '--from')).toBe('/flowjob/secret/job.sql');
  const { command } = containerOf(pod);
  expect(after(command, '--scriptUri')).toBe(`file://${after(render!.args, '--to')}`);
  expect(command[2]).toMatch(/\nexec java "\$@" > \/dev\/null$/);
  expect(command).toContain('-Dflowjob.log.target=SYSTEM_ERR');
  expect(pod.spec['volumes']).toContainEqual({ name: 'sql', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } });
  // The values are for the init container alone.
  expect(JSON.stringify(pod.spec['containers'])).not.toContain('FLOWJOB_SECRET');
});

test('SQL that refers to no Secret is read as it stands', () => {
  const pod = flinkJobManagerPod(flinkPlan(), settings);
  expect(pod.spec).not.toHaveProperty('initContainers');
  expect(containerOf(pod).command[2]).toMatch(/\nexec java "\$@"$/);
});

test('versions before 2.3 are told by their own names how soon a job is rescaled again, and to tell of programs by failed jobs', () => {
  const job = { jar: { uri: '/a.jar' } };
  const config = (version: string) => configOf(flinkPlan({ job, engine: { type: 'Flink', version } }));
  expect(config('1.20')).toMatchObject({
    'jobmanager.adaptive-scheduler.scaling-interval.min': '5 s',
    'execution.submit-failed-job-on-application-error': 'true',
  });
  expect(config('2.3')).toMatchObject({
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '5 s',
  });
  expect(config('2.3')).not.toHaveProperty(['execution.submit-failed-job-on-application-error']);
  const history = 'web.adaptive-scheduler.rescale-history.size';
  expect(config('2.3')).toHaveProperty([history], '16');
  expect(config('2.2')).not.toHaveProperty([history]);
});

describe('of an attempt that is up before its job', () => {
  const session = (spec: object = {}, attempt: object = {}): AttemptPlan =>
    flinkPlan(spec, { session: true, ...attempt });
  const mountsOf = (plan: AttemptPlan): { name: string; mountPath: string; subPath?: string }[] =>
    (containerOf(flinkJobManagerPod(plan, settings)) as unknown as { volumeMounts: [] }).volumeMounts;

  test('the JobManager runs no job, and takes one whose program is where submissions are looked for', () => {
    const { command } = containerOf(flinkJobManagerPod(session(), settings));
    expect(command).toContain('org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint');
    expect(command.join(' ')).not.toMatch(/--job-id|SqlDriver|fromSavepoint/);
    expect(command).toContain('-Xmx469762048');
    expect(configOf(session())).toMatchObject({ 'web.submit.enable': 'true', 'web.upload.dir': '/flowjob/uploads' });
    expect(configOf(flinkPlan())).toMatchObject({ 'web.submit.enable': 'false' });
    expect(mountsOf(session())).toEqual(
      expect.arrayContaining([
        { name: 'uploads', mountPath: '/flowjob/uploads/flink-web-upload' },
        expect.objectContaining({
          mountPath: '/flowjob/uploads/flink-web-upload/sql-driver.jar',
          subPath: 'sql-driver.jar',
        }),
      ]),
    );
    const { binaryData } = configMap(session()) as unknown as { binaryData: Record<string, string> };
    expect(Buffer.from(binaryData['sql-driver.jar']!, 'base64').toString('latin1')).toMatch(
      /^PK.*META-INF\/MANIFEST.MF/s,
    );
    expect(configMap(flinkPlan())).not.toHaveProperty('binaryData');
  });

  test('what is submitted is the one job under its id, from the state that it goes on from as a pod sees it', () => {
    const restoreFrom = 'file:/flowjob/state/orders/flink/savepoints/b/savepoint-1';
    const plan = session({ taskManager: { replicas: 2, slots: 2 } }, { restoreFrom, allowNonRestoredState: true });
    expect(submissionOf(plan, originOf(plan.attempt))).toEqual({
      jobId: 'a'.repeat(32),
      parallelism: 4,
      restoreFrom: '/flowjob/state/orders/flink/savepoints/b/savepoint-1',
      allowNonRestoredState: true,
      jar: 'sql-driver.jar',
      entryClass: 'org.apache.flink.table.runtime.application.SqlDriver',
      programArgs: ['--scriptUri', 'file:///flowjob/secret/job.sql'],
    });
  });

  test('a jar that is fetched is fetched to there; one of the image is not started so', () => {
    const jar = { uri: 'https://repo.example/a.jar', entryClass: 'A', args: ['--rate', '5'] };
    const plan = session({ job: { jar } });
    expect(mountsOf(plan)).toContainEqual({ name: 'jars', mountPath: '/flowjob/uploads/flink-web-upload' });
    expect(submissionOf(plan, undefined)).toMatchObject({
      jar: 'job.jar',
      entryClass: 'A',
      programArgs: ['--rate', '5'],
    });
    expect(isSubmittable(plan.spec)).toBe(true);
    expect(isSubmittable(flinkPlan({ job: { jar: { uri: 'local:///opt/a.jar' } } }).spec)).toBe(false);
  });

  test('people who look for the job find the attempt that it runs in', () => {
    expect(restService(flinkPlan())['spec']).toMatchObject({ selector: { 'flowjob.dev/attempt': '3' } });
  });
});
