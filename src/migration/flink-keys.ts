// Flink's own keys in spec.flinkConfiguration that are fields of FlowJob, or that the operator sets. All others become entries of engine.config.
import { show } from '../api/schema-check.ts';
import { MANAGED_FLINK_KEYS } from '../api/engine.ts';
import { durationText, flinkBoolean, flinkDurationMs, memoryBytes } from './flink-values.ts';
import { beginning } from './job-fields.ts';
import { cpuLimit, madeOfCores, memoryLimit, PREFIX, roleSays } from './role-fields.ts';
import { ROLES, type Role } from './pod-templates.ts';
import { mapped, nothingToDo, toDo, type Hand, type KeyRule, type Rule } from './rules.ts';
import { hasReplicas, KEYS, storageUri, taskManagersFor } from './subjects.ts';
import { valueAt } from './leaves.ts';

const HIGH_AVAILABILITY = ['high-availability', 'high-availability.*'].map((key) =>
  nothingToDo(
    key,
    'The operator replaces a lost JobManager and restores its job; it sets Flink’s own high availability up itself (flink.highAvailability of its chart).',
    { of: 'cluster' },
  ),
);

const SSL_INTERNAL = 'security.ssl.internal.enabled';

const RULES: readonly KeyRule[] = [
  mapped<string>(KEYS.mode, 'spec.mode', '`STREAMING`, `BATCH`. Streaming where nothing is written.', (text, hand) => {
    const mode = { STREAMING: 'Streaming', BATCH: 'Batch' }[text.trim().toUpperCase()];
    if (mode !== undefined) return hand.put('spec.mode', mode);
    hand.toDo(`${show(text)} has no counterpart: set spec.mode to Streaming or Batch`);
  }),
  mapped<string>(
    KEYS.parallelism,
    ['spec.job.parallelism', 'spec.taskManager.replicas'],
    'Where spec.job.parallelism is not set.',
    (text, hand) => {
      const own = valueAt(hand.object, ['spec', 'job', 'parallelism']);
      if (hasReplicas(hand) || (typeof own === 'number' && own > 0))
        return hand.nothingToDo('spec.job.parallelism or spec.taskManager.replicas counts');
      const parallelism = whole(text, hand);
      if (parallelism === null) return;
      hand.put('spec.job.parallelism', parallelism);
      hand.put('spec.taskManager.replicas', taskManagersFor(hand, parallelism));
    },
  ),
  mapped<string>(
    KEYS.slots,
    'spec.taskManager.slots',
    'One where nothing is written, as in Flink.',
    (text, hand) => {
      const slots = whole(text, hand);
      if (slots !== null) hand.put('spec.taskManager.slots', slots);
    },
    { of: 'cluster' },
  ),
  mapped<string>(KEYS.interval, 'spec.state.checkpoint.interval', 'In FlowJob’s units.', (text, hand) => {
    const interval = durationOf(text, hand);
    if (interval !== null) hand.put('spec.state.checkpoint.interval', interval);
  }),
  mapped<string>(
    KEYS.checkpoints,
    'spec.state.storage.uri',
    'Each job has a folder of its name in it, for checkpoints and savepoints.',
    (_text, hand) => keepState(hand),
    { formerly: ['state.checkpoints.dir'] },
  ),
  mapped<string>(
    KEYS.savepoints,
    'spec.state.storage.uri',
    'Only where no folder of checkpoints is set: savepoints are kept with them.',
    (_text, hand) => {
      if (!hand.settings.has(KEYS.checkpoints)) return keepState(hand);
      hand.nothingToDo('savepoints are kept in spec.state.storage.uri from now on; those that are there stay');
    },
    { formerly: ['state.savepoints.dir'] },
  ),
  mapped<string>(
    KEYS.restore,
    'spec.state.restore.uri',
    'Where spec.job has no savepoint to begin from.',
    (text, hand) => beginning(text, hand, KEYS.restore),
    { formerly: ['execution.savepoint.path'] },
  ),
  mapped<string>(
    'execution.state-recovery.ignore-unclaimed-state',
    'spec.state.restore.allowNonRestoredState',
    'Where spec.job.allowNonRestoredState is not set.',
    (text, hand) => {
      const own = valueAt(hand.object, ['spec', 'job', 'allowNonRestoredState']);
      if (typeof own === 'boolean') return hand.nothingToDo('spec.job.allowNonRestoredState counts');
      if (hand.mode === 'Batch') return hand.nothingToDo('a batch job is not restored from state');
      const allow = flinkBoolean(text);
      if (allow === null) return hand.toDo(`${show(text)} is neither true nor false`);
      hand.put('spec.state.restore.allowNonRestoredState', allow);
    },
    { formerly: ['execution.savepoint.ignore-unclaimed-state'] },
  ),
  ...ROLES.flatMap(processKeys),
  ...HIGH_AVAILABILITY,
  nothingToDo('job-result-store.*', 'Results of jobs are kept by the operator.', { of: 'cluster' }),
  ...[
    'execution.target',
    'execution.attached',
    'execution.shutdown-on-application-finish',
    'execution.submit-failed-job-on-application-error',
  ].map((key) => nothingToDo(key, 'The operator decides how a job is submitted.', { of: 'cluster' })),
  ...['pipeline.jars', 'pipeline.classpaths', '$internal.*'].map((key) =>
    toDo(key, 'Is set from spec.job.jar; put other jars into the image, below /opt/flink/usrlib or /opt/flink/lib.'),
  ),
  toDo(
    'pipeline.jobvertex-parallelism-overrides',
    'Was written by the autoscaler; sizes of single operators are the decision of autoscaling here.',
  ),
  ...[
    ...['jobmanager.rpc.address', 'jobmanager.rpc.port', 'jobmanager.bind-host', 'jobmanager.rpc.bind-port'],
    ...['taskmanager.host', 'taskmanager.bind-host', 'taskmanager.rpc.port', 'taskmanager.data.port'],
    ...['rest.address', 'rest.port', 'rest.bind-port', 'rest.bind-address', 'blob.server.port', 'query.server.port'],
  ].map((key) => nothingToDo(key, 'The operator sets addresses and ports.', { of: 'cluster' })),
  nothingToDo(
    'execution.checkpointing.externalized-checkpoint-retention',
    'Is always RETAIN_ON_CANCELLATION: a job that is lost goes on from its newest checkpoint.',
  ),
  nothingToDo('pipeline.name', 'A job has the name of its FlowJob.'),
  nothingToDo(
    'scheduler-mode',
    'Is not needed: a stream that runs takes another number of TaskManagers in place, by taskManager.replicas or the scale subresource.',
  ),
  ...['security.ssl.enabled', 'security.ssl.rest.enabled'].map((key) =>
    mapped<string>(
      key,
      [],
      'The operator speaks to Flink’s REST API by http, between pods: keep others from it by a NetworkPolicy. Of security.ssl.enabled what is between Flink’s processes is kept as security.ssl.internal.enabled.',
      (text, hand) => {
        if (flinkBoolean(text) === false) return hand.nothingToDo('is so');
        if (key === 'security.ssl.enabled' && !hand.settings.has(SSL_INTERNAL)) hand.config(SSL_INTERNAL, 'true');
        hand.toDo(
          'the operator speaks to Flink’s REST API by http, between pods: keep others from it by a NetworkPolicy',
        );
      },
      { of: 'cluster' },
    ),
  ),
] as readonly KeyRule[];

/** What engine.config may not have either. A key with a rule of its own is not among these. */
const MANAGED: readonly Rule[] = MANAGED_FLINK_KEYS.map((key) => (key.endsWith('.') ? `${key}*` : key))
  .filter((key) => !RULES.some(({ from, formerly }) => from === key || formerly.includes(key)))
  .filter((key) => key !== 'kubernetes.*')
  .map((key) => nothingToDo(key, 'The operator sets it, and refuses another value in engine.config.'));

export const FLINK_KEYS: readonly KeyRule[] = [...RULES, ...MANAGED];

function processKeys(role: Role): KeyRule[] {
  const prefix = PREFIX[role];
  const memory = `spec.${role}.resources.limits.memory`;
  const cpu = `spec.${role}.resources.limits.cpu`;
  return [
    mapped<string>(
      `${prefix}.memory.process.size`,
      memory,
      `Where spec.${role} does not say its memory.`,
      (text, hand) => {
        if (roleSays(role, 'memory', hand)) return hand.nothingToDo(`memory of spec.${role} counts`);
        const bytes = memoryBytes(text);
        if (bytes === null) return hand.toDo(`${show(text)} is no size of memory: write ${memory}, for example 2Gi`);
        memoryLimit(role, bytes, hand);
      },
      { of: 'cluster' },
    ),
    mapped<string>(
      `kubernetes.${prefix}.cpu.amount`,
      cpu,
      `Where spec.${role} does not say its CPU.`,
      (text, hand) => {
        if (roleSays(role, 'cpu', hand)) return hand.nothingToDo(`cpu of spec.${role} counts`);
        cpuLimit(role, text, hand);
      },
      { of: 'cluster', formerly: [`kubernetes.${prefix}.cpu`] },
    ),
    mapped<string>(
      `kubernetes.${prefix}.cpu.limit-factor`,
      [cpu, `spec.${role}.resources.requests.cpu`],
      'The limit is so much above the request.',
      (text, hand) => {
        if (!(Number(text) >= 1)) return hand.toDo(`${show(text)} is no factor from 1 on`);
        if (valueAt(hand.object, ['spec', role, 'resources', 'limits', 'cpu']) !== undefined)
          return hand.nothingToDo(`spec.${role}.resources counts`);
        const made = madeOfCores(role, hand);
        if (made === 'Limit') return hand.accounted(cpu);
        if (made === 'Error') return hand.nothingToDo('multiplies a number of cores that is none');
        hand.toDo(`write ${cpu} and spec.${role}.resources.requests.cpu instead`);
      },
      { of: 'cluster' },
    ),
    toDo(
      `kubernetes.${prefix}.memory.limit-factor`,
      'Flink’s process is as large as resources.limits.memory here: raise that, if there is to be more room.',
      { of: 'cluster' },
    ),
  ] as KeyRule[];
}

function keepState(hand: Hand): void {
  const uri = storageUri(hand);
  if (uri === null) return hand.nothingToDo('is empty');
  if (!/^[a-z][a-z0-9+.-]*:/i.test(uri)) return hand.toDo(`${show(uri)} is no URI: write spec.state.storage.uri`);
  hand.put('spec.state.storage.uri', uri);
  if (uri.startsWith('file:'))
    hand.nothingToDo('has to be on a volume that podTemplate of both roles mounts, as before');
}

function whole(text: string, hand: Hand): number | null {
  const number = /^[0-9]+$/.test(text.trim()) ? Number(text) : NaN;
  if (Number.isSafeInteger(number) && number > 0) return number;
  hand.toDo(`${show(text)} is no whole number from 1 on`);
  return null;
}

/** A duration that is longer than zero, as FlowJob writes it. Null: it was told of. */
export function durationOf(text: string, hand: Hand): string | null {
  const ms = flinkDurationMs(text);
  if (ms !== null && ms > 0) return durationText(ms);
  hand.toDo(
    ms === 0 ? 'is switched off there, which a FlowJob has not' : `${show(text)} is no duration: write for example 10s`,
  );
  return null;
}
