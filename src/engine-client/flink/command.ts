// Command lines of Flink's JobManager and TaskManager. `java` is called as Flink's scripts call it in the end, without them: each start of theirs runs two JVMs
// more, to read the configuration and to divide the memory.
import { quantityValue } from '../../api/schema-kit.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { taskManagerMemoryConfig, type ProcessSpec } from './config.ts';
import { jobManagerMemory, taskManagerMemory } from './memory.ts';
import { pythonLogProperties } from './python.ts';
import { programArguments, type ProgramFiles } from './program.ts';

const HOME = '/opt/flink';

/** Where Flink looks for what belongs to it, besides its configuration. */
export const FLINK_ENVIRONMENT: Readonly<Record<string, string>> = {
  FLINK_HOME: HOME,
  FLINK_LIB_DIR: `${HOME}/lib`,
  FLINK_OPT_DIR: `${HOME}/opt`,
  FLINK_PLUGINS_DIR: `${HOME}/plugins`,
};

const open = (packages: readonly string[]): string[] =>
  packages.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);
const exported = (packages: readonly string[]): string[] => packages.map((name) => `--add-exports=${name}=ALL-UNNAMED`);

/** What Flink reaches into of the JVM: env.java.opts.all of the config.yaml that it is shipped with. */
const MODULES = [
  ...exported([
    'java.rmi/sun.rmi.registry',
    'jdk.compiler/com.sun.tools.javac.api',
    'jdk.compiler/com.sun.tools.javac.file',
    'jdk.compiler/com.sun.tools.javac.parser',
    'jdk.compiler/com.sun.tools.javac.tree',
    'jdk.compiler/com.sun.tools.javac.util',
    'java.security.jgss/sun.security.krb5',
  ]),
  ...open([
    'java.lang',
    'java.net',
    'java.io',
    'java.nio',
    'sun.nio.ch',
    'java.lang.reflect',
    'java.text',
    'java.time',
  ]),
  ...open(['java.util', 'java.util.concurrent', 'java.util.concurrent.atomic', 'java.util.concurrent.locks']),
];

export interface FlinkFolders {
  /** Holds config.yaml and LOG_CONFIG. */
  config: string;
  temporary: string;
}

/** The file in the folder of the configuration that says what is logged. */
export const LOG_CONFIG = 'log4j2.properties';

/** JVMs that have a value for it log there instead of to standard output. */
const LOG_TARGET = 'flowjob.log.target';

/** To standard output, where a cluster's logs are looked for. */
export const LOG_PROPERTIES = [
  'monitorInterval = 0',
  'rootLogger.level = INFO',
  'rootLogger.appenderRef.console.ref = Console',
  'appender.console.name = Console',
  'appender.console.type = CONSOLE',
  `appender.console.target = \${sys:${LOG_TARGET}:-SYSTEM_OUT}`,
  'appender.console.layout.type = PatternLayout',
  'appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n',
  'logger.pekko.name = org.apache.pekko',
  'logger.pekko.level = WARN',
  '',
].join('\n');

/** Of the processes of one job. */
export const logProperties = ({ job }: ResolvedFlowJobSpec, temporary: string): string =>
  LOG_PROPERTIES + pythonLogProperties(job, temporary);

const NO_FLINK =
  'spec.engine.image has no java on its path, or no Apache Flink in $FLINK_LIB_DIR -> name an image that is laid out as the official one of Flink';

/**
 * Starts `java` with the script's arguments. The jars of lib/ are in the order of Flink's own config.sh; of a session, which does not look there itself as an
 * application does, with the user's libraries. Where the image has an archive of the classes that the role in $0 loads, the JVM takes them from there (JEP 350):
 * if the class path is the one that it was made with.
 */
const start = ({ session, silent }: { session: boolean; silent: boolean }): string =>
  [
    'CLASSPATH= dist=',
    'for jar in "$FLINK_LIB_DIR"/*.jar; do',
    '  case $jar in */flink-dist*) dist=$jar ;; *) CLASSPATH=$CLASSPATH$jar: ;; esac',
    'done',
    'if [ -z "$dist" ] || ! command -v java > /dev/null; then',
    `  echo "${NO_FLINK}"; exit 127`,
    'fi',
    'export CLASSPATH=$CLASSPATH$dist',
    ...(session
      ? ['for jar in "$FLINK_HOME"/usrlib/*.jar; do if [ -f "$jar" ]; then CLASSPATH=$CLASSPATH:$jar; fi; done']
      : []),
    'archive=$FLINK_HOME/class-archives/$0.jsa',
    'if [ -f "$archive" ]; then set -- "-XX:SharedArchiveFile=$archive" "$@"; fi',
    `exec java "$@"${silent ? ' > /dev/null' : ''}`,
  ].join('\n');

interface JavaOptions {
  options: string[];
  session?: boolean | undefined;
  /** What it prints goes nowhere; by default false. */
  silent?: boolean;
}

function java(
  spec: ProcessSpec,
  role: 'jobmanager' | 'taskmanager',
  folders: FlinkFolders,
  { options, session = false, silent = false }: JavaOptions,
): string[] {
  const { config = {} } = spec.engine;
  const own = ['env.java.opts.all', `env.java.opts.${role}`].flatMap((key) => (config[key] ?? '').split(/\s+/));
  return [
    ...['sh', '-c', start({ session, silent }), role],
    ...options,
    ...MODULES,
    `-Djava.io.tmpdir=${folders.temporary}`,
    `-Dlog4j.configurationFile=file:${folders.config}/${LOG_CONFIG}`,
    ...own.filter((option) => option !== ''),
  ];
}

const dynamic = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([key, value]) => ['-D', `${key}=${value}`]);

export interface FlinkAttempt {
  jobId: string;
  files: ProgramFiles;
  /** Flink prints each statement of a script to its standard output. True: that goes nowhere, and the log to standard error; false by default. */
  silent?: boolean;
  /** Savepoint or checkpoint to start from. */
  restoreFrom: string | undefined;
  allowNonRestoredState: boolean | undefined;
}

/** Starting is most of what a JobManager of one job ever computes, and the first compiler is through with it sooner. */
const SOON_UP = ['-XX:TieredStopAtLevel=1'];

/** A session that is up before its one job, which is submitted to it. Throws RangeError when there is too little memory. */
export const sessionCommand = (
  spec: ResolvedFlowJobSpec,
  { silent }: FlinkAttempt,
  folders: FlinkFolders,
  address: string,
): string[] => sessionOf(jobManagerJava(spec, folders, { flags: SOON_UP, silent, session: true }), folders, address);

/** A session that many jobs are submitted to. Throws RangeError when there is too little memory. */
export const sharedSessionCommand = (spec: ProcessSpec, folders: FlinkFolders, address: string): string[] =>
  sessionOf(jobManagerJava(spec, folders, { flags: [], session: true }), folders, address);

const sessionOf = (jvm: string[], folders: FlinkFolders, address: string): string[] => [
  ...jvm,
  'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  ...['--configDir', folders.config],
  ...dynamic({ 'jobmanager.rpc.address': address, 'rest.address': address }),
];

function jobManagerJava(
  spec: ProcessSpec,
  folders: FlinkFolders,
  {
    flags,
    silent = false,
    session,
  }: { flags: readonly string[]; silent?: boolean | undefined; session?: boolean | undefined },
): string[] {
  const { config = {} } = spec.engine;
  const { heap, offHeap, metaspace } = jobManagerMemory(quantityValue(spec.jobManager.resources.limits.memory), config);
  const isDirectLimited = /^true$/i.test(config['jobmanager.memory.enable-jvm-direct-memory-limit'] ?? '');
  const options = [
    `-Xmx${heap}`,
    `-Xms${heap}`,
    ...(isDirectLimited ? [`-XX:MaxDirectMemorySize=${offHeap}`] : []),
    `-XX:MaxMetaspaceSize=${metaspace}`,
    ...flags,
  ];
  if (silent) options.push(`-D${LOG_TARGET}=SYSTEM_ERR`);
  return java(spec, 'jobmanager', folders, { options, session, silent });
}

/** Application mode (FLIP-85): the cluster runs this job and no other, under an id that is known before. Throws RangeError when there is too little memory. */
export function jobManagerCommand(
  spec: ResolvedFlowJobSpec,
  attempt: FlinkAttempt,
  folders: FlinkFolders,
  address: string,
): string[] {
  const { restoreFrom, allowNonRestoredState } = attempt;
  return [
    ...jobManagerJava(spec, folders, { flags: SOON_UP, silent: attempt.silent }),
    'org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint',
    ...['--configDir', folders.config],
    ...dynamic({ 'jobmanager.rpc.address': address, 'rest.address': address }),
    ...['--job-id', attempt.jobId],
    ...(restoreFrom === undefined ? [] : ['--fromSavepoint', restoreFrom]),
    ...(restoreFrom !== undefined && allowNonRestoredState === true ? ['--allowNonRestoredState'] : []),
    ...programArguments(spec, attempt.files),
  ];
}

/** Throws RangeError when there is too little memory. */
export function taskManagerCommand(
  spec: ProcessSpec,
  folders: FlinkFolders,
  place: {
    resourceId: string;
    memory: string | number;
    address: string;
    jobManagerAddress: string;
    /** Its JobManager is that of a session. */
    session?: boolean | undefined;
  },
): string[] {
  const bytes = quantityValue(place.memory);
  const memory = taskManagerMemory(bytes, spec.engine.config ?? {});
  const heap = memory.frameworkHeap + memory.taskHeap;
  return [
    ...java(spec, 'taskmanager', folders, {
      options: [
        `-Xmx${heap}`,
        `-Xms${heap}`,
        `-XX:MaxDirectMemorySize=${memory.frameworkOffHeap + memory.taskOffHeap + memory.network}`,
        `-XX:MaxMetaspaceSize=${memory.metaspace}`,
      ],
      session: place.session,
    }),
    'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
    ...['--configDir', folders.config],
    ...dynamic({
      ...taskManagerMemoryConfig(bytes, spec),
      'taskmanager.resource-id': place.resourceId,
      'taskmanager.host': place.address,
      'jobmanager.rpc.address': place.jobManagerAddress,
    }),
  ];
}
