// What is refused of a job on Apache Flink before anything of it is started.
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { resolveCluster, type FlowCluster } from '../../api/flowcluster.ts';
import { checkClusterSpec, checkFlinkSpec } from './check-spec.ts';

const INSERT = 'INSERT INTO b SELECT * FROM a;';
const check = (sql: string, more: object = {}): string | null => {
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: { mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job: { sql: { inline: sql } }, ...more },
  }) as FlowJob;
  return checkFlinkSpec(resolveSpec(job.spec));
};

test('an option of a table may refer to a Secret', () => {
  expect(check(`CREATE TABLE a (x INT) WITH ('password' = '\${secret:db:password}'); ${INSERT}`)).toBeNull();
});

test('SQL that our own planner does not know is for Flink’s', () => {
  expect(check(`CREATE CATALOG c WITH ('type' = 'hive'); ${INSERT}`)).toBeNull();
});

test.each([
  [
    'a Secret where Flink would show it',
    "SET 's3.secret-key' = '${secret:db:password}';",
    {},
    /refers to a Secret in line 1.*write \$\{secret:NAME:KEY\} into the value of an option/,
  ],
  ['statements between INSERTs', `${INSERT} SET 'a' = 'b'; ${INSERT}`, {}, /between its INSERTs/],
  [
    'too little memory',
    INSERT,
    { taskManager: { resources: { limits: { memory: '512Mi' } } } },
    /spec\.taskManager\.resources\.limits\.memory is 512Mi.*raise it/,
  ],
  [
    'a key of processes that are not the job’s own',
    INSERT,
    { engine: { type: 'Flink', clusterRef: { name: 'shared' }, config: { 'taskmanager.memory.managed.size': '0' } } },
    /taskmanager\.memory\.managed\.size.*write it into spec\.engine\.config of FlowCluster "shared"/,
  ],
  [
    'a Secret on a cluster that is up before the job',
    `CREATE TABLE a (x INT) WITH ('password' = '\${secret:db:password}'); ${INSERT}`,
    { engine: { type: 'Flink', clusterRef: { name: 'shared' } } },
    /^spec\.job\.sql refers to Secret "db", key password.*FlowCluster "shared".*remove spec\.engine\.clusterRef/,
  ],
  [
    'memory that is written as Kubernetes writes it',
    INSERT,
    { engine: { type: 'Flink', version: '2.3', config: { 'taskmanager.memory.task.off-heap.size': '1Gi' } } },
    /"1Gi" is not a size of memory as Flink writes it/,
  ],
  [
    'what S3 is told twice',
    INSERT,
    {
      engine: { type: 'Flink', version: '2.3', config: { 's3.endpoint': 'http://a' } },
      state: { storage: { uri: 's3://bucket/state', endpoint: 'http://b' } },
    },
    /spec\.engine\.config sets s3\.endpoint.*remove it there/,
  ],
])('%s is refused with the field and the remedy', (_, sql, more, says) => {
  expect(check(sql, more)).toMatch(says);
});

test('a key of the job itself is taken on a cluster that is shared', () => {
  const config = { 'table.exec.mini-batch.enabled': 'true', 'state.backend.type': 'rocksdb' };
  expect(check(INSERT, { engine: { type: 'Flink', clusterRef: { name: 'shared' }, config } })).toBeNull();
});

test('of a FlowCluster its memory and its keys of S3 are looked at', () => {
  const checkCluster = (spec: object): string | null => {
    const cluster = admit({
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowCluster',
      metadata: { name: 'shared' },
      spec,
    }) as FlowCluster;
    return checkClusterSpec(resolveCluster(cluster.spec));
  };
  const engine = { version: '2.3' };
  expect(checkCluster({ engine })).toBeNull();
  expect(checkCluster({ engine, jobManager: { resources: { limits: { memory: '512Mi' } } } })).toMatch(/raise it/);
  const onS3 = { state: { storage: { uri: 's3://bucket/states' } } };
  const twice = { ...engine, config: { 's3.endpoint': 'http://minio:9000' } };
  expect(checkCluster({ engine: twice, ...onS3 })).toMatch(/sets s3\.endpoint, which spec\.state\.storage says/);
});
