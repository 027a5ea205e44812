import { MANAGED_FLINK_KEYS } from '../api/engine.ts';
import { deployment, importAll, importOne, key, said, STREAM } from './deployment.fixture.ts';
import { valueAt, type Json } from './leaves.ts';

const config = (entries: Record<string, unknown>, job = STREAM): string =>
  deployment(`  flinkConfiguration: ${JSON.stringify(entries)}\n${job}`);
const job = (fields: Record<string, unknown>, entries: Record<string, unknown> = {}): string =>
  config(entries, `  job: ${JSON.stringify({ jarURI: 'local:///a.jar', parallelism: 2, ...fields })}\n`);

describe('a FlinkDeployment with a job', () => {
  test('becomes a FlowJob on Flink of its version, image and size', () => {
    const { manifest, errors } = importOne(
      config({ 'taskmanager.numberOfTaskSlots': '2' }, STREAM.replace('parallelism: 2', 'parallelism: 5')),
    );
    expect(errors).toEqual([]);
    expect(manifest).toMatchObject({
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowJob',
      metadata: { name: 'orders' },
      spec: {
        engine: { type: 'Flink', version: '2.0', image: 'shop/orders:7' },
        mode: 'Streaming',
        job: { jar: { uri: 'local:///opt/flink/usrlib/orders.jar' }, parallelism: 5 },
        upgrade: { strategy: 'Stateless' },
        jobManager: { resources: { limits: { memory: '1Gi', cpu: '1' } } },
        taskManager: { replicas: 3, slots: 2, resources: { limits: { memory: '2Gi', cpu: '500m' } } },
      },
    });
  });

  test('has the parallelism that Flink gives by default when it says none', () =>
    expect(importOne(deployment('  job: {jarURI: "local:///a.jar"}\n')).spec).toMatchObject({
      taskManager: { replicas: 1, slots: 1 },
    }));

  test('is as large as its number of TaskManagers says, before its parallelism', () => {
    const one = importOne(
      deployment(`  flinkConfiguration: {taskmanager.numberOfTaskSlots: 4}\n${STREAM}`).replace(
        'taskManager: {',
        'taskManager: {replicas: 3, ',
      ),
    );
    expect(one.spec).toMatchObject({ taskManager: { replicas: 3, slots: 4 } });
    expect(valueAt(one.spec, ['job', 'parallelism'])).toBeUndefined();
    expect(said(one, 'NothingToDo')['spec.job.parallelism']).toBe('spec.taskManager.replicas counts, here as there');
  });

  test('takes the last savepoint of the other operator when it is suspended', () => {
    const text = job(
      { upgradeMode: 'savepoint', state: 'suspended', initialSavepointPath: 's3://b/first' },
      { 'state.checkpoints.dir': 's3://b/cp/' },
    );
    const status = 'status: {lifecycleState: SUSPENDED, jobStatus: {upgradeSavepointPath: "s3://b/sp/savepoint-9"}}\n';
    const suspended = importOne(text + status);
    expect(suspended.spec).toMatchObject({
      suspend: true,
      state: { storage: { uri: 's3://b/cp' }, restore: { uri: 's3://b/sp/savepoint-9' } },
      upgrade: { strategy: 'Savepoint' },
    });
    expect(said(suspended, 'ToDo')).toEqual({});
    expect(said(suspended, 'NothingToDo')['spec.job.initialSavepointPath']).toMatch(
      /^the savepoint of the suspended job/,
    );
  });

  test('does not take a savepoint of an earlier upgrade while it runs', () => {
    const status = 'status: {lifecycleState: STABLE, jobStatus: {upgradeSavepointPath: "s3://b/sp/savepoint-9"}}\n';
    const running = importOne(job({ upgradeMode: 'savepoint', state: 'running' }) + status);
    expect(valueAt(running.spec, ['state'])).toBeUndefined();
    expect(said(running, 'ToDo')['spec.job.upgradeMode']).toMatch(/^suspend the job in the other operator/);
    expect(said(running, 'NothingToDo')['status.jobStatus.upgradeSavepointPath']).toMatch(/an upgrade before/);
  });

  test('that is being suspended has to be waited for', () => {
    const status = 'status: {lifecycleState: UPGRADING, jobStatus: {upgradeSavepointPath: "s3://b/sp/savepoint-9"}}\n';
    const one = importOne(job({ upgradeMode: 'savepoint', state: 'suspended' }) + status);
    expect(valueAt(one.spec, ['state'])).toBeUndefined();
    expect(said(one, 'ToDo')['status.jobStatus.upgradeSavepointPath']).toMatch(/wait until/);
  });

  test('begins from the savepoint that it names, and keeps on dropping what it cannot place', () =>
    expect(
      importOne(
        job(
          { initialSavepointPath: 's3a://b/first', allowNonRestoredState: true },
          { 'state.checkpoints.dir': 's3p://b/cp' },
        ),
      ).spec,
    ).toMatchObject({
      state: { storage: { uri: 's3://b/cp' }, restore: { uri: 's3://b/first', allowNonRestoredState: true } },
    }));

  test('that leaves upgradeMode out is stateless, as it was, and is told so', () => {
    const one = importOne(job({}));
    expect(one.spec).toMatchObject({ upgrade: { strategy: 'Stateless' } });
    expect(said(one, 'ToDo')['spec.job.upgradeMode']).toMatch(/remove spec\.upgrade\.strategy for Savepoint/);
  });

  test('with last-state keeps the interval that the other operator gives it', () => {
    expect(importOne(job({ upgradeMode: 'last-state' })).spec).toMatchObject({
      upgrade: { strategy: 'LastState' },
      state: { checkpoint: { interval: '5m' } },
    });
    expect(
      importOne(job({ upgradeMode: 'last-state' }, { 'execution.checkpointing.interval': '20 s' })).spec,
    ).toMatchObject({ state: { checkpoint: { interval: '20s' } } });
  });

  test('in Python keeps its driver and its arguments', () =>
    expect(
      importOne(
        job({
          jarURI: 'local:///opt/flink/opt/flink-python-2.0.0.jar',
          entryClass: 'org.apache.flink.client.python.PythonDriver',
          args: ['-py', '/opt/flink/usrlib/job.py', '-n', 3],
        }),
      ).spec,
    ).toMatchObject({
      job: {
        jar: {
          uri: 'local:///opt/flink/opt/flink-python-2.0.0.jar',
          entryClass: 'org.apache.flink.client.python.PythonDriver',
          args: ['-py', '/opt/flink/usrlib/job.py', '-n', '3'],
        },
      },
    }));

  test('whose jar comes from the web should pin it', () => {
    const one = importOne(job({ jarURI: 'https://repo.example/orders.jar' }));
    expect(one.spec).toMatchObject({ job: { jar: { uri: 'https://repo.example/orders.jar' } } });
    expect(said(one, 'ToDo')['spec.job.jarURI']).toMatch(/sha256/);
  });

  test('in mode BATCH takes no savepoints and is not autoscaled', () => {
    const one = importOne(
      job(
        { upgradeMode: 'savepoint', initialSavepointPath: 's3://b/first' },
        {
          'execution.runtime-mode': 'BATCH',
          'job.autoscaler.enabled': true,
          'kubernetes.operator.periodic.savepoint.interval': '1d',
          'kubernetes.operator.jm-deployment.shutdown-ttl': '2 h',
        },
      ),
    );
    expect(one.spec).toMatchObject({ mode: 'Batch', batch: { ttlAfterFinished: { succeeded: '2h', failed: '2h' } } });
    for (const field of ['state', 'upgrade', 'autoscaling']) expect(one.spec).not.toHaveProperty(field);
  });

  test('that only looks like a batch job is told of', () =>
    expect(said(importOne(job({ args: ['--execution-mode', 'BATCH'] })), 'ToDo')['spec.job.args']).toMatch(
      /spec\.mode/,
    ));
});

describe('flinkConfiguration', () => {
  test.each<[string, Record<string, unknown>, Json]>([
    [
      'a checkpoint interval',
      { 'execution.checkpointing.interval': '60000' },
      { state: { checkpoint: { interval: '1m' } } },
    ],
    [
      'a folder of a volume',
      { 'state.savepoints.dir': '/data/sp/' },
      { state: { storage: { uri: 'file:///data/sp' } } },
    ],
    [
      'savepoints by a Quartz expression',
      {
        'kubernetes.operator.periodic.savepoint.interval': '0 0 3 * * ?',
        'kubernetes.operator.savepoint.history.max.count': 3,
      },
      { state: { savepoints: { schedule: '0 3 * * *', retain: { count: 3 } } } },
    ],
    [
      'a rollback',
      {
        'kubernetes.operator.deployment.rollback.enabled': 'true',
        'kubernetes.operator.deployment.readiness.timeout': '5 min',
      },
      { upgrade: { rollback: { enabled: true, deadline: '5m' } } },
    ],
    [
      'an autoscaler, nested and under former names',
      {
        'job.autoscaler': { enabled: true, vertex: { 'min-parallelism': 2, 'max-parallelism': 500 } },
        'kubernetes.operator.job.autoscaler.target.utilization': '0.8',
        'job.autoscaler.scaling.enabled': 'false',
      },
      {
        autoscaling: {
          enabled: true,
          mode: 'Recommend',
          minParallelism: 2,
          maxParallelism: 128,
          targetUtilization: 0.8,
        },
      },
    ],
    [
      'an autoscaler with a least parallelism above the most that holds where none is said',
      { 'job.autoscaler.enabled': true, 'job.autoscaler.vertex.min-parallelism': 20 },
      { autoscaling: { enabled: true, minParallelism: 20, maxParallelism: 20 } },
    ],
    ['a last savepoint', { 'kubernetes.operator.job.savepoint-on-deletion': true }, { deletionPolicy: 'Savepoint' }],
    [
      'keys of Flink alone, lists too',
      { 'table.exec.state.ttl': '1 h', 'metrics.reporters': ['prom', 'slf4j'], 'my.typo': 1 },
      { engine: { config: { 'table.exec.state.ttl': '1 h', 'metrics.reporters': 'prom;slf4j', 'my.typo': '1' } } },
    ],
  ])('%s is taken over', (_name, entries, spec) => expect(importOne(config(entries)).spec).toMatchObject(spec));

  test.each([
    ['kubernetes.operator.periodic.savepoint.interval', '90 min', /no schedule of times/],
    ['execution.checkpointing.interval', 'often', /"often" is no duration/],
    ['kubernetes.operator.job.restart.failed', 'true', /restart-strategy\.type/],
    ['execution.runtime-mode', 'AUTOMATIC', /set spec\.mode/],
    ['job.autoscaler.utilization.target', '0.99', /no number from 0\.1 to 0\.95/],
    ['kubernetes.operator.no.such.key', 'x', /no key of the other operator that is known here/],
    ['kubernetes.rest-service.exposed.type', 'NodePort', /NAME-rest/],
    ['kubernetes.something.new', 'x', /native mode/],
    ['security.ssl.keystore-password', 'secret-word', /stands in the manifest/],
  ])('%s: %s is told of, and not what it says if that is a secret', (name, value, text) => {
    const told = said(importOne(config({ [name]: value })), 'ToDo')[key(name)];
    expect(told).toMatch(text);
    expect(told).not.toContain('secret-word');
  });

  test.each([
    ['scheduler-mode', 'reactive'],
    ['security.ssl.rest.enabled', 'true'],
    ['security.ssl.rest.enabled', 'false'],
  ])('%s: %s, by which the operator would lose sight of the job, stays behind', (name, value) => {
    const one = importOne(config({ [name]: value }));
    expect(valueAt(one.spec, ['engine', 'config'])).toBeUndefined();
    expect(one.account.entries.find(({ path }) => path.at(-1) === name)?.remarks).toHaveLength(1);
  });

  test('SSL as a whole is kept between Flink’s processes', () =>
    expect(importOne(config({ 'security.ssl.enabled': 'true' })).spec).toMatchObject({
      engine: { config: { 'security.ssl.internal.enabled': 'true' } },
    }));

  test('high availability is left to the operator', () => {
    const one = importOne(
      config({ 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 's3://b/ha' }),
    );
    expect(valueAt(one.spec, ['engine', 'config'])).toBeUndefined();
    expect(Object.keys(said(one, 'NothingToDo'))).toEqual(
      expect.arrayContaining([key('high-availability.type'), key('high-availability.storageDir')]),
    );
  });

  test('the name of today counts before a former one', () => {
    const one = importOne(
      config({ 'execution.checkpointing.dir': 's3://b/new', 'state.checkpoints.dir': 's3://b/old' }),
    );
    expect(one.spec).toMatchObject({ state: { storage: { uri: 's3://b/new' } } });
    expect(said(one, 'NothingToDo')[key('state.checkpoints.dir')]).toMatch(/stands here twice/);
  });
});

describe('a FlinkDeployment with state on S3', () => {
  const onS3 = { 'state.checkpoints.dir': 's3a://b/cp', 's3.access-key': 'the-id', 'fs.s3a.secret.key': 'the-word' };

  test('has the server in fields of its storage, and no credentials', () => {
    const one = importOne(
      config({
        ...onS3,
        's3.endpoint': 'http://minio:9000',
        's3.path.style.access': true,
        's3a.endpoint.region': 'eu-1',
      }),
    );
    expect(one.spec).toMatchObject({
      state: {
        storage: { uri: 's3://b/cp', endpoint: 'http://minio:9000', pathStyleAccess: true, region: 'eu-1' },
      },
    });
    expect(one.spec['engine']).not.toHaveProperty('config');
    expect(JSON.stringify(one.account.entries)).not.toMatch(/the-id|the-word/);
    expect(said(one, 'ToDo')[key('s3.access-key')]).toMatch(/AWS_ACCESS_KEY_ID.*credentialsSecretRef/);
  });

  test('asks for http or https where the server has none', () =>
    expect(said(importOne(config({ ...onS3, 's3.endpoint': 'minio:9000' })), 'ToDo')[key('s3.endpoint')]).toMatch(
      /"minio:9000" does not say http or https/,
    ));

  test('keeps what its program reads from S3 in engine.config when its state is elsewhere', () =>
    expect(importOne(config({ 's3.endpoint': 'http://minio:9000' })).spec).toMatchObject({
      engine: { config: { 's3.endpoint': 'http://minio:9000' } },
    }));
});

describe('pods', () => {
  test('have both templates, the engine’s container under our name, and what keys say of them', () => {
    const one = importOne(
      deployment(`  imagePullPolicy: Always
  podTemplate:
    kind: Pod
    metadata: {name: any, labels: {team: a}}
    spec:
      containers:
        - {name: flink-main-container, image: passed/over:1, env: [{name: X, value: "1"}]}
        - {name: side, image: busybox}
  flinkConfiguration:
    containerized.taskmanager.env.REGION: eu
    kubernetes.secrets: cert:/opt/cert
    kubernetes.jobmanager.annotations: a:b
${STREAM}`),
    );
    expect(one.spec).toMatchObject({
      jobManager: {
        podTemplate: {
          metadata: { labels: { team: 'a' }, annotations: { a: 'b' } },
          spec: {
            serviceAccountName: 'flink',
            containers: [
              {
                name: 'jobmanager',
                imagePullPolicy: 'Always',
                env: [{ name: 'X', value: '1' }],
                volumeMounts: [{ name: 'cert-volume', mountPath: '/opt/cert' }],
              },
              { name: 'side', image: 'busybox' },
            ],
            volumes: [{ name: 'cert-volume', secret: { secretName: 'cert' } }],
          },
        },
      },
      taskManager: {
        podTemplate: {
          spec: { containers: [{ name: 'taskmanager', env: [{ name: 'X' }, { name: 'REGION', value: 'eu' }] }, {}] },
        },
      },
    });
    expect(JSON.stringify(one.spec)).not.toContain('passed/over');
    expect(Object.keys(said(one, 'NothingToDo'))).toEqual(
      expect.arrayContaining(['spec.podTemplate.kind', 'spec.podTemplate.spec.containers[0].image']),
    );
  });

  test('have limits of what they ask for, as Flink gives them, and the deprecated resource gives way to resources', () => {
    const one = importOne(
      config({ 'kubernetes.taskmanager.cpu.limit-factor': 2 })
        .replace('jobManager: {', 'jobManager: {resources: {requests: {memory: 2gi, cpu: 500m}}, ')
        .replace('resource: {memory: 2048m, cpu: 0.5}', 'resources: {requests: {memory: 2048m, cpu: "1"}}'),
    );
    expect(one.spec).toMatchObject({
      jobManager: { resources: { limits: { memory: '2Gi', cpu: '500m' }, requests: { memory: '2Gi', cpu: '500m' } } },
      taskManager: { resources: { limits: { memory: '2Gi', cpu: '2' }, requests: { memory: '2Gi', cpu: '1' } } },
    });
    expect(said(one, 'NothingToDo')['spec.jobManager.resource.memory']).toBe(
      'spec.jobManager.resources counts, here as there',
    );
  });

  test('may use more CPU than they ask for, by the factor of Flink’s native mode', () => {
    const one = importOne(config({ 'kubernetes.taskmanager.cpu.limit-factor': 3 }));
    expect(one.spec).toMatchObject({
      taskManager: { resources: { limits: { cpu: '1500m' }, requests: { cpu: '500m' } } },
    });
    expect(said(one, 'ToDo')).not.toHaveProperty([key('kubernetes.taskmanager.cpu.limit-factor')]);
  });

  test('a container that merging by place overwrites is told of', () => {
    const one = importOne(
      deployment(`  podTemplate: {spec: {containers: [{name: flink-main-container}]}}\n${STREAM}`).replace(
        'taskManager: {',
        'taskManager: {podTemplate: {spec: {containers: [{name: side, image: busybox}]}}, ',
      ),
    );
    expect(said(one, 'ToDo')['spec.taskManager.podTemplate.spec']).toMatch(/"flink-main-container".*put it back/);
  });

  test('get ephemeral storage and other resources by their template', () => {
    const one = importOne(
      deployment(STREAM)
        .replace('memory: 1g, cpu: 1', 'memory: 1g, cpu: 1, ephemeralStorage: 2g')
        .replace(
          'resource: {memory: 2048m, cpu: 0.5}',
          'resources: {requests: {memory: 2Gi, cpu: 1}, limits: {gpu: 1}}',
        ),
    );
    expect(one.spec).toMatchObject({
      jobManager: {
        podTemplate: { spec: { containers: [{ resources: { limits: { 'ephemeral-storage': '2Gi' } } }] } },
      },
      taskManager: {
        resources: { limits: { memory: '2Gi' }, requests: { memory: '2Gi', cpu: '1' } },
        podTemplate: { spec: { containers: [{ name: 'taskmanager', resources: { limits: { gpu: 1 } } }] } },
      },
    });
  });
});

describe('a FlinkStateSnapshot', () => {
  const snapshot = (spec: string): string => `apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata: {name: before}
spec: {jobReference: {kind: FlinkDeployment, name: orders}, ${spec}}
`;

  test('that is to be taken becomes a FlowSavepoint', () =>
    expect(importOne(snapshot('savepoint: {disposeOnDelete: true, formatType: CANONICAL}')).manifest).toMatchObject({
      kind: 'FlowSavepoint',
      spec: { jobRef: { name: 'orders' }, disposalPolicy: 'Delete' },
    }));

  test('that is there already may be of no job', () => {
    const one = importOne(
      snapshot('savepoint: {alreadyExists: true, path: "s3://b/x"}').replace(
        'jobReference: {kind: FlinkDeployment, name: orders}, ',
        '',
      ),
    );
    expect([one.manifest, one.errors]).toEqual([null, []]);
  });

  test.each([
    ['a checkpoint', 'checkpoint: {}', '', /is a checkpoint/],
    ['there already', 'savepoint: {alreadyExists: true, path: "s3://b/x"}', '', /is there already/],
    ['taken', 'savepoint: {}', 'status: {state: COMPLETED, path: "s3://b/x"}\n', /write "s3:\/\/b\/x" into/],
  ])('that is %s becomes nothing, and what to do is said', (_name, spec, status, text) => {
    const one = importOne(snapshot(spec) + status);
    expect(one.manifest).toBeNull();
    expect(said(one, 'ToDo')['spec']).toMatch(text);
  });
});

describe('what is wrong is refused by field, with the remedy', () => {
  test.each([
    ['flinkVersion: v2_0', 'flinkVersion: v1_17', 'spec.flinkVersion', /bring the job to v1_20/],
    ['flinkVersion: v2_0', 'flinkVersion: v9_0', 'spec.flinkVersion', /set flinkVersion/],
    ['upgradeMode: stateless', 'upgradeMode: savepiont', 'spec.job.upgradeMode', /did you mean "savepoint"/],
    ['parallelism: 2', 'parallelism: -1', 'spec.job.parallelism', /write 0 or more/],
    ['memory: 2048m', 'memory: plenty', 'spec.taskManager.resource.memory', /2048m \(mebibytes\)/],
    ['cpu: 0.5', 'cpu: half', 'spec.taskManager.resource.cpu', /number of cores/],
    ['"local:///opt/flink/usrlib/orders.jar"', 'orders.jar', 'spec.job.jarURI', /local:\/\/\//],
  ])('%s as %s', (right, wrong, field, remedy) => {
    const { errors } = importOne(deployment(STREAM).replace(right, wrong));
    expect(errors).toMatchObject([{ field, remedy: expect.stringMatching(remedy) }]);
  });
});

describe('what the API server would refuse is not made, and told of by the field that it comes from', () => {
  test.each<[string, string, string, RegExp, RegExp]>([
    [
      'a jar in storage',
      job({ jarURI: 'gs://b/orders.jar' }),
      'spec.job.jar.uri',
      /from spec\.job\.jarURI\)$/,
      /^put what is kept elsewhere/,
    ],
    ['a size', job({ parallelism: 300 }), 'spec.job.parallelism', /300.*from spec\.job\.parallelism/, /128/],
    [
      'little memory',
      deployment(STREAM).replace('2048m', '64m'),
      'spec.taskManager.resources.limits.memory',
      /from spec\.taskManager\.resource\.memory/,
      /^raise it/,
    ],
    [
      'state in another store',
      config({ 'state.checkpoints.dir': 'gs://b/cp' }),
      'spec.state.storage.uri',
      /"gs:\/\/b\/cp".*from spec\.flinkConfiguration\["state\.checkpoints\.dir"\]/,
      /./,
    ],
    ['a name', deployment(STREAM, 'Orders'), 'metadata.name', /"Orders".*from metadata\.name/, /lower case/],
    ['a jar by http', job({ jarURI: 'http://x/a.jar' }), 'spec.job.jarURI', /by http/, /serve the jar by https/],
    ['no jar', job({ jarURI: null }), 'spec.job.jarURI', /Required/, /flink-python/],
  ])('%s', (_name, text, field, problem, remedy) => {
    const [one] = importAll(text);
    expect(one!.manifest).toBeNull();
    expect(one!.errors[0]).toMatchObject({
      field,
      problem: expect.stringMatching(problem),
      remedy: expect.stringMatching(remedy),
    });
  });

  test.each(MANAGED_FLINK_KEYS)('but %s, which the operator sets itself, stays behind', (name) => {
    const written = name.endsWith('.') ? `${name}x` : name;
    const one = importOne(config({ [written]: '1' }));
    expect(one.errors.filter(({ field }) => field.startsWith('spec.engine'))).toEqual([]);
    expect(valueAt(one.spec, ['engine', 'config'])).toBeUndefined();
    expect(one.account.covers(['spec', 'flinkConfiguration', written])).toBe(true);
  });
});

test('a canary of the other operator becomes nothing, and asks for nothing', () => {
  const canary =
    'apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: c, labels: {flink.apache.org/canary: "true"}}\n';
  const [one] = importAll(canary);
  expect([one!.manifest, one!.errors, said(one!, 'ToDo')]).toEqual([null, [], {}]);
});
