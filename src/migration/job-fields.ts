// spec.job of FlinkDeployment and FlinkSessionJob, and what says how a job begins.
import { booleanIn, textIn, wholeIn, wordIn } from './checks.ts';
import { show } from '../api/schema-check.ts';
import { mapped, nothingToDo, type Hand, type Rule } from './rules.ts';
import { asS3, beganAt, hasReplicas, isSuspended, keepsState, KEYS, suspendedAt, taskManagersFor } from './subjects.ts';

const TAKE_OVER =
  'suspend the job in the other operator (spec.job.state: suspended, with upgradeMode savepoint), and import what kubectl get -o yaml prints then: ' +
  'the savepoint is in its status. Or write it into spec.state.restore.uri. Without it the FlowJob starts with empty state';
const STRATEGIES = { savepoint: 'Savepoint', 'last-state': 'LastState', stateless: 'Stateless' } as const;

export const JOB_RULES: readonly Rule[] = [
  mapped(
    'spec.job.jarURI',
    'spec.job.jar.uri',
    'As it is: local:, https: or s3:. A jar that is kept elsewhere goes into the image or is served by https.',
    (value, hand) => {
      const uri = textIn(value, hand);
      if (uri === null) return;
      const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
      if (scheme === undefined)
        return hand.refuse(
          `Invalid value: ${show(uri)}: must be a URI with a scheme`,
          'for a file of the image write local:///opt/flink/usrlib/job.jar',
        );
      if (scheme === 'http')
        return hand.refuse(
          `Invalid value: ${show(uri)}: what comes by http could be another jar, and there is no sha256 here to tell by`,
          'serve the jar by https, or put it into the image',
        );
      hand.put('spec.job.jar.uri', uri);
      if (scheme === 'https' || scheme === 's3')
        hand.toDo('is fetched from elsewhere at every start: pin what it is by spec.job.jar.sha256');
    },
  ),
  mapped('spec.job.entryClass', 'spec.job.jar.entryClass', 'As it is, PythonDriver too.', (value, hand) => {
    const name = textIn(value, hand);
    if (name !== null) hand.put('spec.job.jar.entryClass', name);
  }),
  mapped('spec.job.args', 'spec.job.jar.args', 'As they are.', (value, hand) => {
    if (!Array.isArray(value) || value.some((item) => item === null || typeof item === 'object'))
      return hand.refuse('Invalid value: must be a list of texts', 'write args: ["--name", "value"]');
    const args = value.map(String);
    hand.put('spec.job.jar.args', args);
    if (hand.mode === 'Streaming' && args.some((arg) => /^(--execution\.runtime-mode=)?batch$/i.test(arg)))
      hand.toDo(
        'looks like a batch job: set spec.mode to Batch, and remove upgrade.strategy and state.restore, if it is one',
      );
  }),
  mapped(
    'spec.job.parallelism',
    ['spec.job.parallelism', 'spec.taskManager.replicas'],
    'TaskManagers are as many as it needs with taskmanager.numberOfTaskSlots each. Passed over where spec.taskManager.replicas is set, as by the other operator.',
    (value, hand) => {
      if (hasReplicas(hand)) return hand.nothingToDo('spec.taskManager.replicas counts, here as there');
      const parallelism = wholeIn(value, hand, 0);
      if (parallelism === null) return;
      if (parallelism === 0) return hand.nothingToDo(`0 stands for ${KEYS.parallelism}`);
      hand.put('spec.job.parallelism', parallelism);
      hand.put('spec.taskManager.replicas', taskManagersFor(hand, parallelism));
    },
  ),
  mapped('spec.job.state', 'spec.suspend', '`suspended` is true, `running` false.', (value, hand) => {
    const suspend = wordIn(value, hand, { running: false, suspended: true });
    if (suspend !== null) hand.put('spec.suspend', suspend);
  }),
  mapped(
    'spec.job.upgradeMode',
    'spec.upgrade.strategy',
    '`savepoint`, `last-state`, `stateless`. A batch job has none.',
    (value, hand) => {
      const strategy = wordIn(value, hand, STRATEGIES);
      if (strategy === null) return;
      if (hand.mode === 'Batch') return hand.nothingToDo('a batch job is always started again from its input');
      hand.put('spec.upgrade.strategy', strategy);
      // The interval that the other operator sets for it (FlinkConfigBuilder.applyFlinkConfiguration).
      if (strategy === 'LastState' && !hand.settings.has(KEYS.interval))
        hand.put('spec.state.checkpoint.interval', '5m');
      if (strategy !== 'Stateless' && suspendedAt(hand) === null) hand.toDo(TAKE_OVER);
    },
  ),
  mapped(
    'spec.job.initialSavepointPath',
    'spec.state.restore.uri',
    'Passed over where status has the savepoint of a suspended job.',
    (value, hand) => beginning(value, hand, 'spec.job.initialSavepointPath'),
  ),
  mapped(
    'spec.job.initialStateReference',
    'spec.state.restore.uri',
    'Its `path`. A FlinkStateSnapshot that it names is not followed.',
    (value, hand) => {
      const { path, name } = (value ?? {}) as { path?: unknown; name?: unknown };
      if (path !== undefined && path !== null) return beginning(path, hand, 'spec.job.initialStateReference.path');
      hand.toDo(
        `write status.path of the FlinkStateSnapshot ${show(name ?? '')} into spec.state.restore.uri, if the job has not run yet`,
      );
    },
  ),
  mapped('spec.job.allowNonRestoredState', 'spec.state.restore.allowNonRestoredState', 'As it is.', (value, hand) => {
    const allow = booleanIn(value, hand);
    if (allow === null) return;
    if (hand.mode === 'Batch') return hand.nothingToDo('a batch job is not restored from state');
    hand.put('spec.state.restore.allowNonRestoredState', allow);
  }),
  nothingToDo(
    'spec.job.savepointTriggerNonce',
    'A savepoint is taken by creating a FlowSavepoint, or by flowjob savepoint NAME.',
  ),
  nothingToDo(
    'spec.job.checkpointTriggerNonce',
    'A FlowJob takes checkpoints by their interval; for one at will take a savepoint.',
  ),
  nothingToDo(
    'spec.job.savepointRedeployNonce',
    'To begin again from another savepoint, create the FlowJob under another name with that in spec.state.restore.uri.',
  ),
  nothingToDo('spec.job.autoscalerResetNonce', 'What the autoscaler has learned begins anew with the FlowJob.'),
  mapped('spec.restartNonce', 'spec.restartNonce', 'As it is, from 0 on.', (value, hand) => {
    if (typeof value === 'number' && value < 0) return hand.nothingToDo('counts only when it is changed: begin at 0');
    const nonce = wholeIn(value, hand, 0);
    if (nonce !== null) hand.put('spec.restartNonce', nonce);
  }),
];

/** What a job has in its status when it is suspended. */
export const STATUS_RULES: readonly Rule[] = [
  mapped(
    'status.jobStatus.upgradeSavepointPath',
    'spec.state.restore.uri',
    'Of a job that is suspended: there the FlowJob goes on.',
    (_value, hand) => {
      const path = suspendedAt(hand);
      if (hand.mode === 'Batch') return hand.nothingToDo('a batch job starts from its input');
      if (path !== null) return hand.put('spec.state.restore.uri', asS3(path));
      if (isSuspended(hand))
        return hand.toDo(
          'no path in it, or processes that still run: wait until status.lifecycleState is SUSPENDED, and import again',
        );
      hand.nothingToDo('is of an upgrade before, and older than what the job has done since');
    },
  ),
  nothingToDo('status', 'Is what the other operator saw.'),
];

/** Where the other operator takes another default than FlowJob, and the manifest says nothing. Their places are told of, though nothing stands there. */
export function impliedByJob(
  hand: (field: string) => Hand,
  ofKey: (key: string) => Hand,
  job: Record<string, unknown>,
): void {
  const folder = ofKey(KEYS.checkpoints);
  if (folder.mode === 'Streaming' && !folder.settings.has(KEYS.checkpoints) && !folder.settings.has(KEYS.savepoints))
    folder.toDo(
      'is not set: checkpoints and savepoints are on a claim of 1Gi that the operator makes, and all pods on one node with it: write spec.state.storage to keep them elsewhere',
    );
  if ((job['upgradeMode'] ?? null) === null) {
    const implied = hand('spec.job.upgradeMode');
    if (implied.mode === 'Streaming') {
      implied.put('spec.upgrade.strategy', 'Stateless');
      implied.toDo(
        'is not set, and the other operator takes stateless then, so that every change drops the state: remove spec.upgrade.strategy for Savepoint',
      );
    }
  }
  if ((job['jarURI'] ?? null) === null)
    hand('spec.job.jarURI').refuse(
      'Required value',
      'name the jar, such as local:///opt/flink/usrlib/job.jar of the image; for PyFlink local:///opt/flink/opt/flink-python-VERSION.jar',
    );
}

/** A savepoint that a job once began with, at `field`. */
export function beginning(value: unknown, hand: Hand, field: string): void {
  const path = textIn(value, hand);
  if (path === null) return;
  if (hand.mode === 'Batch') return hand.nothingToDo('a batch job starts from its input');
  if (suspendedAt(hand) !== null) return hand.nothingToDo('the savepoint of the suspended job counts, which is newer');
  const counting = beganAt(hand);
  if (counting !== null && counting.field !== field) return hand.nothingToDo(`${counting.field} counts`);
  hand.put('spec.state.restore.uri', asS3(path));
  if (keepsState(hand))
    hand.toDo(
      'is where the job once began: put the savepoint of its suspend in its place, unless it has not run since',
    );
}
