// spec.engine: which engine runs the job, and what is said to Apache Flink alone.
import { Type } from '@sinclair/typebox';
import { stringEnum, stringMap, type CelRule } from './schema-kit.ts';

export const ENGINE_TYPES = ['Embedded', 'Flink'] as const;
export type EngineType = (typeof ENGINE_TYPES)[number];

/** Versions of Apache Flink. From 2.0 on it runs SQL by itself (FLIP-480); 1.20 runs jars alone. */
export const FLINK_VERSIONS = ['1.20', '2.0', '2.1', '2.2', '2.3'] as const;
export type FlinkVersion = (typeof FLINK_VERSIONS)[number];

/**
 * Flink's keys that the operator sets: from a field of the spec, or as what it promises hangs on them. Names are whole keys; one that ends in a dot stands for
 * all keys below it.
 */
export const MANAGED_FLINK_KEYS = [
  '$internal.',
  'application-result-store.',
  'blob.server.port',
  'execution.attached',
  'execution.checkpointing.dir',
  'execution.checkpointing.externalized-checkpoint-retention',
  'execution.checkpointing.interval',
  'execution.checkpointing.savepoint-dir',
  'execution.runtime-mode',
  'execution.savepoint.path',
  'execution.shutdown-on-application-finish',
  'execution.state-recovery.',
  'execution.target',
  'high-availability',
  'high-availability.',
  'job-result-store.',
  'jobmanager.bind-host',
  'jobmanager.memory.process.size',
  'jobmanager.rpc.',
  'kubernetes.',
  'parallelism.default',
  'pipeline.name',
  'rest.address',
  'rest.bind-address',
  'rest.bind-port',
  'rest.port',
  'state.checkpoints.dir',
  'state.savepoints.dir',
  'table.plan.compile.catalog-objects',
  'taskmanager.bind-host',
  'taskmanager.host',
  'taskmanager.memory.process.size',
  'taskmanager.numberOfTaskSlots',
  'taskmanager.resource-id',
  'taskmanager.rpc.',
  'web.submit.enable',
] as const;

const escaped = (key: string): string => key.replace(/[.$]/g, '[$&]');
const MANAGED_PATTERN = `^(${MANAGED_FLINK_KEYS.map((key) => escaped(key) + (key.endsWith('.') ? '.*' : '')).join('|')})$`;

// `has(self.type)`: the API server judges the default of this object before it fills in those of its fields.
const rules: CelRule[] = [
  {
    rule: "(has(self.type) && self.type == 'Flink') || !has(self.version)",
    message: 'only Apache Flink is chosen by its version: remove version, or set type to Flink',
    fieldPath: '.version',
  },
  {
    rule: "(has(self.type) && self.type == 'Flink') || !has(self.config)",
    message: 'only Apache Flink is configured by keys: remove config, or set type to Flink',
    fieldPath: '.config',
  },
  {
    rule: "!has(self.type) || self.type != 'Flink' || has(self.version) || has(self.clusterRef)",
    message: `which Flink runs the job is not said: add version, one of ${FLINK_VERSIONS.join(', ')}, or the clusterRef of a FlowCluster`,
    fieldPath: '.version',
  },
  {
    rule: "(has(self.type) && self.type == 'Flink') || !has(self.clusterRef)",
    message: 'a FlowCluster is one of Apache Flink: remove clusterRef, or set type to Flink',
    fieldPath: '.clusterRef',
  },
  {
    rule: '!has(self.clusterRef) || (!has(self.version) && !has(self.image))',
    message: 'version and image are those of the FlowCluster: remove them, or remove clusterRef',
    fieldPath: '.clusterRef',
  },
];

const ClusterRefSchema = Type.Object(
  {
    name: Type.String({
      description: 'Name of the FlowCluster, in the namespace of the FlowJob.',
      pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
      maxLength: 45,
      'x-flowjob-change': 'refused-while-running',
    }),
  },
  {
    description:
      'With type Flink, a FlowCluster that the job runs on beside others. What it says is not said here: version, image, processes, and where state is kept.',
    'x-flowjob-default': 'each attempt of the job has processes of its own',
  },
);

/** Keys of Flink's configuration, as a field of a spec. */
export const flinkKeys = (description: string) =>
  Type.Optional(
    stringMap({
      description,
      maxProperties: 200,
      'x-flowjob-change': 'restart',
      'x-kubernetes-validations': [
        {
          rule: `self.all(key, !key.matches(r'${MANAGED_PATTERN}'))`,
          message: `the operator sets these keys itself, some of them from other fields of the spec: ${MANAGED_FLINK_KEYS.join(' ')}: remove them`,
        },
      ],
    }),
  );

export const EngineSchema = Type.Object(
  {
    type: stringEnum(ENGINE_TYPES, {
      description:
        'The engine that runs the job. `Embedded` is the one that comes with FlowJob, for one machine. `Flink` is Apache Flink, on Kubernetes. No state goes from one to the other.',
      default: 'Embedded',
      'x-flowjob-change': 'refused-while-running',
    }),
    version: Type.Optional(
      stringEnum(FLINK_VERSIONS, {
        description: 'With type Flink, the version that the image holds. 1.20 runs jars, and no SQL.',
        'x-flowjob-change': 'restart',
      }),
    ),
    image: Type.Optional(
      Type.String({
        description:
          'On Kubernetes, the image of JobManager and TaskManagers. With type Flink one that is laid out as Flink’s own, for SQL with flink-sql-gateway in its opt folder.',
        minLength: 1,
        maxLength: 1024,
        'x-flowjob-change': 'restart',
        'x-flowjob-default': 'the operator’s own image; with type Flink `flink:VERSION-java17`',
      }),
    ),
    config: flinkKeys(
      'With type Flink, keys of its configuration; with clusterRef, those of the job. Numbers and true or false are written in quotes. Keys that other fields say are refused.',
    ),
    clusterRef: Type.Optional(ClusterRefSchema),
  },
  { description: 'Which engine runs the job.', default: {}, 'x-kubernetes-validations': rules },
);
