// What is done about a FlowCluster, and how it is told: a cluster with a JobManager and two TaskManagers that somebody edits, deletes and disturbs.
import { admit } from '../../api/admission.ts';
import type { FlowCluster } from '../../api/flowcluster.ts';
import { decideCluster, type ClusterDecision, type ClusterInput } from './decide-cluster.ts';
import type { ClusterProcess } from './observation.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

const newCluster = (spec: object = {}): FlowCluster =>
  admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowCluster',
    metadata: { name: 'shared', namespace: 'a', uid: 'u', resourceVersion: '1', generation: 1 },
    spec: { engine: { version: '2.3' }, taskManager: { replicas: 2 }, ...spec },
  }) as FlowCluster;

/** What the decision needs besides, while nothing happens. */
const quiet: Omit<ClusterInput, 'cluster' | 'processes'> = {
  ...{ notBefore: new Map(), session: null, refusal: null, jobs: [], running: [], problem: null, now: NOW },
};

/** The operator and the API server, as far as decisions go. */
class Bench {
  cluster: FlowCluster;
  processes: ClusterProcess[] = [];
  made = 0;

  constructor(cluster = newCluster()) {
    this.cluster = cluster;
  }

  decide(more: Partial<ClusterInput> = {}): ClusterDecision {
    const decision = decideCluster({ ...quiet, cluster: this.cluster, processes: this.processes, ...more });
    this.cluster = { ...this.cluster, status: decision.status };
    return decision;
  }

  /** One pass; all that it asks for is done at once. */
  pass(more: Partial<ClusterInput> = {}): ClusterDecision {
    const decision = this.decide(more);
    for (const action of decision.actions)
      if (action.kind === 'End') this.processes = this.processes.filter(({ uid }) => uid !== action.process.uid);
      else this.make(action.kind === 'CreateJobManager' ? null : action.index);
    return decision;
  }

  /** Passes until nothing is done any more. */
  rest(more: Partial<ClusterInput> = {}): ClusterDecision {
    for (let round = 0; round < 10; round++) {
      const decision = this.pass({ session: this.session(), ...more });
      if (decision.actions.length === 0) return decision;
    }
    throw new Error('it does not come to rest');
  }

  edit(change: (spec: FlowCluster['spec']) => void): void {
    const spec = structuredClone(this.cluster.spec);
    change(spec);
    this.cluster = { ...this.cluster, spec, metadata: { ...this.cluster.metadata, generation: 2 } };
  }

  delete(): void {
    const metadata = { ...this.cluster.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    this.cluster = { ...this.cluster, metadata };
  }

  session(): ClusterInput['session'] {
    const taskManagers = this.processes.filter(({ role }) => role === 'TaskManager').length;
    return this.jobManager === undefined ? null : { taskManagers, slots: 2 * taskManagers };
  }

  get jobManager(): ClusterProcess | undefined {
    return this.processes.find(({ role }) => role === 'JobManager');
  }

  names(): string[] {
    return this.processes.map(({ role, index }) => `${role} ${index}`).sort();
  }

  private make(index: number | null): void {
    const role = index === null ? 'JobManager' : 'TaskManager';
    this.processes.push({
      ...{ name: `${role}-${index}`, uid: `uid-${this.made++}`, role, index: index ?? 0, address: '10.0.0.1' },
      ...{ state: 'Running', exit: null, ending: false, trouble: null, ready: true },
      specHash: this.cluster.status!.accepted!.specHash,
      jobManagerUid: index === null ? undefined : this.jobManager!.uid,
    });
  }
}

const ready = ({ status }: ClusterDecision) => status.conditions.find(({ type }) => type === 'Ready');

test('the JobManager is made first, then TaskManagers that know it, and the cluster is Ready when they are registered', () => {
  const bench = new Bench();
  expect(bench.pass().actions).toEqual([{ kind: 'CreateJobManager' }]);
  expect(ready(bench.pass({ session: { taskManagers: 0, slots: 0 } }))).toMatchObject({
    status: 'Unknown',
    reason: 'Starting',
  });
  expect(bench.names()).toEqual(['JobManager 0', 'TaskManager 0', 'TaskManager 1']);
  const up = bench.rest();
  expect(ready(up)).toMatchObject({ status: 'True', reason: 'Running' });
  expect(up.status).toMatchObject({ observedGeneration: 1, taskManager: { replicas: 2 } });
  expect(up.status.conditions.map(({ type }) => type)).toEqual(['Ready']);
});

test('at rest a decision changes nothing', () => {
  const bench = new Bench();
  const before = bench.rest().status;
  expect(bench.rest({ now: NOW + 60_000 }).status).toEqual(before);
});

test('a JobManager that is replaced takes its TaskManagers along, and none of the next is made beside one of those', () => {
  const bench = new Bench();
  bench.rest();
  const old = bench.jobManager!.uid;
  bench.processes = bench.processes.filter(({ role }) => role !== 'JobManager');
  expect(bench.pass().actions).toEqual([{ kind: 'CreateJobManager' }]);
  const [left] = bench.processes.filter(({ index }) => index === 1);
  left!.ending = true;
  const { actions } = bench.pass();
  expect(actions).toEqual([{ kind: 'End', process: expect.objectContaining({ index: 0, jobManagerUid: old }) }]);
  expect(bench.pass().actions).toEqual([]);
  bench.processes = bench.processes.filter((one) => one !== left);
  bench.rest();
  expect(bench.names()).toEqual(['JobManager 0', 'TaskManager 0', 'TaskManager 1']);
  expect(bench.processes.map(({ jobManagerUid }) => jobManagerUid)).not.toContain(old);
});

test('a process that ended is told of, cleared away, and made again after its back-off', () => {
  const bench = new Bench();
  bench.rest();
  const lost = bench.processes.find(({ role, index }) => role === 'TaskManager' && index === 1)!;
  Object.assign(lost, {
    state: 'Exited',
    exit: { at: NOW, reason: 'shared-cluster-taskmanager-1 ended with code 1.' },
  });
  const told = bench.pass();
  expect(ready(told)).toMatchObject({ reason: 'ProcessLost', message: expect.stringContaining('with code 1') });
  expect(told.actions).toEqual([{ kind: 'End', process: lost }]);
  const notBefore = new Map([['TaskManager/1', NOW + 500]]);
  expect(bench.pass({ notBefore }).actions).toEqual([]);
  expect(ready(bench.pass({ notBefore }))?.reason).toBe('ProcessLost');
  expect(bench.pass({ notBefore, now: NOW + 500 }).actions).toHaveLength(1);
  expect(ready(bench.rest())).toMatchObject({ status: 'True' });
});

test('TaskManagers come and go by number at once, the highest first, whatever runs on the cluster', () => {
  const bench = new Bench();
  bench.rest();
  bench.edit((spec) => void (spec.taskManager.replicas = 1));
  const { actions } = bench.decide({ running: ['orders'], jobs: ['orders'] });
  expect(actions).toEqual([{ kind: 'End', process: expect.objectContaining({ role: 'TaskManager', index: 1 }) }]);
  bench.edit((spec) => void (spec.taskManager.replicas = 3));
  expect(ready(bench.rest({ running: ['orders'], jobs: ['orders'] }))).toMatchObject({ status: 'True' });
  expect(bench.names()).toEqual(['JobManager 0', 'TaskManager 0', 'TaskManager 1', 'TaskManager 2']);
});

test('any other change waits while jobs run, and says for which; then all pods are replaced', () => {
  const bench = new Bench();
  bench.rest();
  const [old] = bench.processes;
  bench.edit((spec) => void (spec.engine.config = { 'rest.profiling.enabled': 'true' }));
  const waiting = bench.decide({ jobs: ['clicks', 'orders'], running: ['orders'], session: bench.session() });
  expect(waiting.actions).toEqual([]);
  expect(ready(waiting)).toMatchObject({
    status: 'Unknown',
    reason: 'ChangeWaiting',
    message: expect.stringMatching(/these FlowJobs run on it: orders\. Suspend them/),
  });
  expect(ready(bench.rest({ jobs: ['clicks', 'orders'] }))).toMatchObject({ status: 'True' });
  expect(bench.processes.map(({ uid }) => uid)).not.toContain(old!.uid);
  expect(bench.cluster.status?.accepted).toMatchObject({ generation: 2 });
});

test('a spec that cannot be run is told; the cluster goes on as it was', () => {
  const bench = new Bench();
  const problem = 'spec.jobManager.resources.limits.memory is 512Mi: raise it';
  expect(bench.decide({ problem })).toMatchObject({
    actions: [],
    status: { conditions: [{ reason: 'InvalidSpec' }, {}] },
  });
  expect(bench.cluster.status?.accepted).toBeUndefined();
  bench.rest();
  bench.edit((spec) => void (spec.jobManager.resources.limits.memory = '512Mi'));
  const told = bench.decide({ problem, session: bench.session() });
  expect(told.actions).toEqual([]);
  expect(told.status.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'Ready False',
    'Stalled True',
  ]);
});

test('a deleted cluster runs on while FlowJobs name it, and what happens to it meanwhile is told and mended', () => {
  const bench = new Bench();
  bench.rest();
  bench.delete();
  const held = bench.decide({ jobs: ['orders'], session: bench.session() });
  expect(held).toMatchObject({ actions: [], finalizer: 'keep' });
  expect(ready(held)).toMatchObject({ reason: 'InUse', message: expect.stringContaining('orders') });
  bench.processes = bench.processes.filter(({ role }) => role !== 'JobManager');
  expect(ready(bench.rest({ jobs: ['orders'] }))).toMatchObject({ reason: 'InUse' });
  expect(bench.names()).toHaveLength(3);
});

test('it goes with its last process once no FlowJob names it', () => {
  const bench = new Bench();
  bench.rest();
  bench.delete();
  const going = bench.pass();
  expect(going).toMatchObject({ finalizer: 'keep', report: { reason: 'Deleting' } });
  expect(going.actions.map(({ kind }) => kind)).toEqual(['End', 'End', 'End']);
  expect(bench.pass()).toMatchObject({ actions: [], finalizer: 'remove' });
});

test('what keeps pods from being made or from starting is told, and a refusal is waited out', () => {
  const bench = new Bench();
  const refusal = { reason: 'exceeded quota -> raise the ResourceQuota', retryAt: NOW + 1_000 };
  const refused = bench.decide({ refusal });
  expect(refused.actions).toEqual([]);
  expect(ready(refused)).toMatchObject({ reason: 'PodNotStarting', message: expect.stringContaining('quota') });
  expect(bench.pass({ refusal, now: NOW + 1_000 }).actions).toHaveLength(1);
  bench.processes[0]!.trouble = 'shared-cluster-jobmanager cannot be scheduled: no node -> add nodes';
  expect(ready(bench.decide())?.message).toContain('add nodes');
});

test('what was refused is no trouble any more once nothing is missing, nor is what is wrong with a pod that goes', () => {
  const bench = new Bench();
  bench.rest();
  const refusal = { reason: 'exceeded quota', retryAt: NOW };
  bench.edit((spec) => (spec.taskManager.replicas = 1));
  bench.processes.find(({ index }) => index === 1)!.trouble = 'it cannot be placed';
  expect(ready(bench.pass({ refusal, session: { taskManagers: 2, slots: 4 } }))?.reason).toBe('Starting');
  expect(ready(bench.rest({ refusal }))).toMatchObject({ status: 'True', reason: 'Running' });
});

test('a cluster is looked at often while it gets somewhere by itself, and seldom while it waits for somebody', () => {
  const bench = new Bench();
  const starting = bench.pass();
  const running = bench.rest();
  expect(starting.lookAgain).toBeLessThan(running.lookAgain);
  bench.edit((spec) => (spec.engine.config = { 'web.refresh-interval': '1 s' }));
  const waiting = bench.rest({ jobs: ['orders'], running: ['orders'] });
  expect(ready(waiting)?.reason).toBe('ChangeWaiting');
  expect(waiting.lookAgain).toBe(running.lookAgain);
});

test('a JobManager that falls silent is told of until it answers again', () => {
  const bench = new Bench();
  bench.rest();
  for (let pass = 0; pass < 3; pass++)
    expect(ready(bench.decide({ session: null }))).toMatchObject({ status: 'Unknown', reason: 'JobManagerSilent' });
  expect(ready(bench.rest())).toMatchObject({ status: 'True' });
});
