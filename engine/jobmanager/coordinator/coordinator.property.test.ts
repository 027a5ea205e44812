// The coordinator in histories that nobody has thought of: TaskManagers come and go, reports come late, twice or never, storage answers late or not well.
// What it must never do is checked at every step, and that it comes to an end when the faults stop.
import fc from 'fast-check';
import type { Manifest } from '../../checkpoint/storage.ts';
import type { TaskDeployment, TaskMessage, ToTaskManager } from '../../rpc/protocol.ts';
import { Coordinator } from './coordinator.ts';
import type { Action, CoordinatorEvent, CoordinatorOptions } from './messages.ts';
import { committable, testOptions, testPlan } from './testing.ts';

interface Task {
  deployment: TaskDeployment;
  state: 'DEPLOYED' | 'RUNNING' | 'CANCELING';
  /** Barriers that have come and are not answered yet. */
  barriers: number[];
  /** It has said that its input has ended. */
  ended: boolean;
}

interface Node {
  tasks: Map<string, Task>;
  /** What it has sent and the JobManager has not heard yet. */
  sent: TaskMessage[];
}

type StorageCall = Extract<Action, { type: 'awaitRemovals' | 'publishManifest' | 'commit' | 'writeResult' }>;

const HEARTBEAT_TIMEOUT = 2000;
const NODES = ['tm-0', 'tm-1', 'tm-2'];

/** TaskManagers, storage and users around a coordinator; keeps book of what was promised. */
class Surroundings {
  readonly coordinator: Coordinator;
  now = 0;
  /** Tasks that run find that their input has ended. */
  inputEnds = false;
  /** Nothing that was asked of storage is answered. */
  storageRests = false;
  readonly nodes = new Map<string, Node>();
  readonly calls: StorageCall[] = [];
  readonly heard: TaskMessage[] = [];
  private readonly published = new Map<string, Manifest>();
  private newest: string | null = null;
  private readonly visible = new Set<string>();
  private readonly removed = new Set<string>();
  private readonly deployed = new Set<string>();
  private readonly savepoints: string[] = [];
  /** Directories of those that the job is to end with. */
  private readonly stopping = new Set<string>();
  private files = 0;

  constructor(options: CoordinatorOptions) {
    this.coordinator = new Coordinator(options, 0, 0);
    this.tell({ type: 'start' });
  }

  get over(): boolean {
    return ['FINISHED', 'FAILED', 'CANCELED'].includes(this.coordinator.status);
  }

  /** All tasks run and nothing is asked of storage. */
  get settled(): boolean {
    const { vertices } = this.coordinator.view();
    const states = vertices.flatMap(({ subtasks }) => subtasks.map(({ state }) => state));
    return this.calls.length === 0 && states.every((state) => state === 'RUNNING');
  }

  tell(event: CoordinatorEvent): void {
    for (const action of this.coordinator.handle(event, this.now, this.now)) this.obey(action);
    this.check();
  }

  register(taskManagerId: string): void {
    this.nodes.set(taskManagerId, { tasks: new Map(), sent: [] });
    const slots = [0, 1].map((slot) => ({ taskManagerId, slot, host: 'host', port: 7000 + slot }));
    const info = { taskManagerId, slots, pid: 1, cpuCores: 1, physicalMemory: 1 };
    this.tell({ type: 'taskManagerRegistered', info });
  }

  lose(taskManagerId: string): void {
    if (this.nodes.delete(taskManagerId)) this.tell({ type: 'taskManagerLost', taskManagerId, reason: 'gone' });
  }

  heartbeats(): void {
    for (const taskManagerId of this.nodes.keys())
      this.tell({ type: 'heartbeat', taskManagerId, metrics: {}, tasks: [] });
  }

  wait(ms: number): void {
    this.now += ms;
    this.tell({ type: 'timer' });
  }

  /** The next message of a TaskManager is heard; `again`: and stays to be heard once more. */
  hear(node: Node, again = false): void {
    const message = again ? node.sent[0] : node.sent.shift();
    if (message === undefined) return;
    this.heard.push(message);
    this.tell({ type: 'task', message });
  }

  tasks(): { node: Node; task: Task }[] {
    return [...this.nodes.values()].flatMap((node) => [...node.tasks.values()].map((task) => ({ node, task })));
  }

  report(node: Node, task: Task, state: 'RUNNING' | 'FAILED' | 'CANCELED' | 'FINISHED'): void {
    const { execution } = task.deployment;
    if (state === 'RUNNING') task.state = 'RUNNING';
    else node.tasks.delete(execution);
    const error = state === 'FAILED' ? { code: 'X', message: 'broken', stack: 'broken', lostProducer: null } : null;
    node.sent.push({ type: 'taskState', execution, state, error, metrics: {}, result: null });
  }

  endInput(node: Node, task: Task): void {
    task.ended = true;
    node.sent.push({ type: 'inputEnded', execution: task.deployment.execution, metrics: {} });
  }

  /** The task answers its oldest barrier; sinks have written a file for it. */
  answer(node: Node, task: Task, well: boolean): void {
    const checkpointId = task.barriers.shift();
    if (checkpointId === undefined) return;
    const { execution, vertex } = task.deployment;
    const committables = vertex.id === 'sink' ? [committable(`file-${++this.files}`)] : [];
    if (well)
      node.sent.push({
        type: 'checkpointAck',
        execution,
        checkpointId,
        handle: null,
        sources: [],
        committables,
        metrics: {},
      });
    else node.sent.push({ type: 'checkpointDeclined', execution, checkpointId, reason: 'disk', committables });
  }

  answerCall(index: number, well: boolean): void {
    const [call] = this.calls.splice(index % Math.max(1, this.calls.length), 1);
    switch (call?.type) {
      case 'publishManifest': {
        const { checkpointId, kind } = call.manifest;
        if (!well) {
          this.tell({ type: 'publishFailed', checkpointId, message: 'disk' });
          return;
        }
        this.published.set(call.directory, call.manifest);
        const last = call.manifest.endOfInput || this.stopping.has(call.directory);
        if (kind === 'CHECKPOINT' || last) this.newest = call.directory;
        this.tell({ type: 'manifestPublished', checkpointId });
        return;
      }
      case 'commit':
        if (well) for (const { payload } of call.committables) this.visible.add(String(payload['to']));
        this.tell(
          well
            ? { type: 'committed', commit: call.commit }
            : { type: 'commitFailed', commit: call.commit, message: 'disk' },
        );
        return;
      case 'writeResult':
        this.tell(well ? { type: 'resultWritten' } : { type: 'resultFailed', message: 'disk' });
        return;
      case 'awaitRemovals':
        this.tell({ type: 'removalsEnded' });
        return;
      case undefined:
    }
  }

  stopUnlessStopping(stop: 'STOP' | 'DRAIN'): void {
    const last = this.savepoints.at(-1);
    const state = last === undefined ? null : this.coordinator.operation(last, 'SAVEPOINT')?.state;
    if (!this.stopping.has(`sp-${last}`) || state === 'FAILED') this.savepoint(stop);
  }

  savepoint(stop: 'STOP' | 'DRAIN' | null): void {
    const triggerId = (this.savepoints.length + 1).toString(16).padStart(32, '0');
    const directory = `sp-${triggerId}`;
    this.savepoints.push(triggerId);
    if (stop !== null) this.stopping.add(directory);
    this.tell({ type: 'savepoint', triggerId, directory, stop, existing: false });
  }

  private obey(action: Action): void {
    switch (action.type) {
      case 'send':
        this.receive(action.taskManagerId, action.message);
        return;
      case 'dropTaskManager':
        this.nodes.delete(action.taskManagerId);
        return;
      case 'commit': {
        // A file is shown only when what holds it is published: nobody can fall back behind it then.
        const held = new Set([...this.published.values()].flatMap((manifest) => filesOf(manifest)));
        for (const { payload } of action.committables) expect(held).toContain(String(payload['to']));
        this.calls.push(action);
        return;
      }
      case 'publishManifest': {
        const files = filesOf(action.manifest);
        expect(new Set(files).size).toBe(files.length);
        // A checkpoint holds what none before it has held.
        for (const earlier of this.published.values())
          if (earlier.kind === 'CHECKPOINT') for (const file of filesOf(earlier)) expect(files).not.toContain(file);
        expect(this.published.has(action.directory)).toBe(false);
        this.calls.push(action);
        return;
      }
      case 'writeResult':
        this.calls.push(action);
        return;
      case 'awaitRemovals':
        this.calls.push(action);
        return;
      case 'dispose':
      case 'discard':
        this.remove(action.directory);
        return;
      default:
    }
  }

  private receive(taskManagerId: string, message: ToTaskManager): void {
    const node = this.nodes.get(taskManagerId);
    if (node === undefined) return;
    switch (message.type) {
      case 'deploy':
        this.deploy(node, message.task);
        return;
      case 'cancel': {
        const task = node.tasks.get(message.execution);
        if (task !== undefined) task.state = 'CANCELING';
        return;
      }
      case 'trigger':
        for (const { task } of this.tasks())
          if (task.deployment.attempt === node.tasks.get(message.execution)?.deployment.attempt)
            if (!task.barriers.includes(message.barrier.checkpointId)) this.bring(task, message);
        return;
      case 'finish': {
        const task = node.tasks.get(message.execution);
        if (task !== undefined) this.report(node, task, 'FINISHED');
        return;
      }
      default:
    }
  }

  /** A source gets its own barrier; the others get it through the channels with the one that the first source gets. */
  private bring(task: Task, { execution, barrier }: Extract<ToTaskManager, { type: 'trigger' }>): void {
    const { deployment } = task;
    const first = deployment.vertex.id === 'sink' && execution.includes('-0-0-');
    if (deployment.execution === execution || first) task.barriers.push(barrier.checkpointId);
  }

  private deploy(node: Node, deployment: TaskDeployment): void {
    expect(this.deployed.has(deployment.execution)).toBe(false);
    this.deployed.add(deployment.execution);
    // All of the attempt before have left or are on TaskManagers that are given up.
    for (const { task } of this.tasks()) expect(task.deployment.attempt).toBe(deployment.attempt);
    // From the newest state that there is, of which every row can be seen, and no newer one is on its way.
    expect(this.calls.some(({ type }) => type === 'publishManifest')).toBe(false);
    expect(deployment.restore).toBe(this.newest);
    if (deployment.restore !== null) {
      expect(this.removed.has(deployment.restore)).toBe(false);
      for (const file of filesOf(this.published.get(deployment.restore)!)) expect(this.visible).toContain(file);
    }
    node.tasks.set(deployment.execution, { deployment, state: 'DEPLOYED', barriers: [], ended: false });
  }

  private remove(directory: string): void {
    this.removed.add(directory);
    // What the job would fall back to stays, as long as it can.
    if (!this.over) expect(directory).not.toBe(this.newest);
    const triggerId = directory.startsWith('sp-') ? directory.slice(3) : null;
    if (triggerId !== null)
      expect(this.coordinator.operation(triggerId, 'SAVEPOINT')?.state ?? 'FAILED').not.toBe('COMPLETED');
  }

  private check(): void {
    const { checkpoints } = this.coordinator.view();
    expect(checkpoints.counts.inProgress).toBeLessThanOrEqual(1);
    expect(checkpoints.counts.inProgress).toBeGreaterThanOrEqual(0);
    for (const triggerId of this.savepoints) {
      const status = this.coordinator.operation(triggerId, 'SAVEPOINT');
      if (status?.state !== 'COMPLETED') continue;
      expect(this.published.has(status.location)).toBe(true);
      expect(this.removed.has(status.location)).toBe(false);
      if (this.stopping.has(status.location)) continue;
      // The job cannot fall back behind it, and then write its files anew.
      const held = [...this.published].flatMap(([directory, manifest]) =>
        manifest.kind === 'CHECKPOINT' || this.stopping.has(directory) ? filesOf(manifest) : [],
      );
      expect(held).toEqual(expect.arrayContaining(filesOf(this.published.get(status.location)!)));
    }
    const timer = this.coordinator.nextTimer();
    if (timer !== null) expect(timer).toBeGreaterThan(this.now);
  }
}

function filesOf(manifest: Manifest): string[] {
  return manifest.committables.map(({ payload }) => String(payload['to']));
}

/** One thing that happens, chosen by two numbers. */
function happen(world: Surroundings, what: number, which: number): void {
  const nodes = [...world.nodes.values()];
  const tasks = world.tasks();
  const node = nodes[which % Math.max(1, nodes.length)];
  const chosen = tasks[which % Math.max(1, tasks.length)];
  switch (what) {
    case 0:
      world.register(NODES[which % NODES.length]!);
      return;
    case 1:
      if (which % 3 === 0) world.lose(NODES[which % NODES.length]!);
      return;
    case 2:
      // Now and then they are not heard for too long.
      if (which % 9 !== 0) world.heartbeats();
      world.wait([1, 100, 500, 1000][which % 4]!);
      return;
    case 3:
      if (which % 7 === 0 && chosen !== undefined) world.report(chosen.node, chosen.task, 'FAILED');
      return;
    case 4:
      if (which % 4 === 0 && chosen !== undefined) world.answer(chosen.node, chosen.task, false);
      return;
    case 5:
      if (which % 3 === 0) world.answerCall(which, false);
      return;
    case 6:
      if (which % 5 === 0) world.savepoint(null);
      return;
    case 7: {
      const requirements = (upperBound: number) => ({ lowerBound: 1, upperBound });
      const upper = 1 + (which % 4);
      world.tell({
        type: 'updateRequirements',
        requirements: { source: requirements(upper), sink: requirements(upper) },
      });
      return;
    }
    case 8:
      if (node !== undefined) world.hear(node, true);
      return;
    case 9: {
      const old = world.heard[which % Math.max(1, world.heard.length)];
      if (old !== undefined) world.tell({ type: 'task', message: old });
      return;
    }
    case 10:
      if (which % 5 === 0) world.tell({ type: 'triggerCheckpoint', triggerId: which.toString(16).padStart(32, 'c') });
      return;
    case 11:
      world.storageRests = which % 2 === 0;
      return;
    default:
      goOn(world, what + which);
  }
}

/** Something of what is due happens, and goes well. False: nothing was due. */
function goOn(world: Surroundings, seed: number): boolean {
  const due: (() => void)[] = [];
  for (const { node, task } of world.tasks()) {
    if (task.state === 'DEPLOYED') due.push(() => world.report(node, task, 'RUNNING'));
    else if (task.state === 'CANCELING') due.push(() => world.report(node, task, 'CANCELED'));
    else if (task.barriers.length > 0) due.push(() => world.answer(node, task, true));
    else if (world.inputEnds && !task.ended) due.push(() => world.endInput(node, task));
  }
  for (const node of world.nodes.values()) if (node.sent.length > 0) due.push(() => world.hear(node));
  if (!world.storageRests) world.calls.forEach((_call, index) => due.push(() => world.answerCall(index, true)));
  if (due.length === 0) return false;
  due[seed % due.length]!();
  return true;
}

test('keeps its promises in every history, and ends when the faults stop', () => {
  const options = testOptions(testPlan('STREAMING', 2));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 36 }), fc.nat(10_000)), { minLength: 200, maxLength: 400 }),
      fc.constantFrom<'STOP' | 'DRAIN' | 'END' | 'CANCEL'>('STOP', 'DRAIN', 'END', 'CANCEL'),
      fc.constantFrom(0, 1, 3),
      (history, ending, tolerableFailed) => {
        const world = new Surroundings({
          ...options,
          heartbeatTimeout: HEARTBEAT_TIMEOUT,
          cancellationTimeout: 5000,
          restart: {
            type: 'exponential-delay',
            initialBackoff: 100,
            maxBackoff: 1000,
            multiplier: 2,
            resetThreshold: 5000,
            jitterFactor: 0.1,
            attempts: 0,
          },
          rescale: {
            ...options.rescale,
            submissionResourceStabilization: 300,
            executingResourceStabilization: 300,
            cooldown: 200,
            maxTriggerDelay: 3000,
          },
          checkpointing: { ...options.checkpointing, tolerableFailed, timeout: 2000 },
        });
        for (const taskManagerId of NODES.slice(0, 2)) world.register(taskManagerId);
        for (const [what, which] of history) happen(world, what, which);
        // Now all goes well, as fast as anybody wants.
        world.storageRests = false;
        for (const taskManagerId of NODES) if (!world.nodes.has(taskManagerId)) world.register(taskManagerId);
        const run = (until: () => boolean, idle: () => void = () => undefined): void => {
          for (let step = 0; !until(); step++) {
            if (step > 2000) throw new Error(`no end: ${world.coordinator.status}`);
            if (goOn(world, step)) continue;
            world.heartbeats();
            idle();
            const timer = world.coordinator.nextTimer();
            if (timer !== null) world.wait(Math.min(timer - world.now, HEARTBEAT_TIMEOUT / 2));
          }
        };
        run(() => world.settled);
        if (ending === 'CANCEL') world.tell({ type: 'cancel' });
        else if (ending === 'END') world.inputEnds = true;
        // One that fails because the job restarts once more is asked for again.
        run(
          () => world.over,
          () => {
            if (ending === 'STOP' || ending === 'DRAIN') world.stopUnlessStopping(ending);
          },
        );
        expect(world.coordinator.status).toBe(ending === 'CANCEL' ? 'CANCELED' : 'FINISHED');
      },
    ),
    { numRuns: 100 },
  );
});
