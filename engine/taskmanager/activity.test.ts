// What tasks are doing, on clocks that only their work moves: who is held back, who is busy, who has nothing to do.
import type { CheckpointStorage } from '../checkpoint/storage.ts';
import { fromRows } from '../columnar/batch.ts';
import type { SinkConnector, SourceConnector } from '../connectors/connector.ts';
import { deploymentOf } from '../jobmanager/coordinator/deployment.ts';
import { ExecutionGraph } from '../jobmanager/coordinator/execution-graph.ts';
import { testOptions, testPlan } from '../jobmanager/coordinator/testing.ts';
import type { Metrics } from '../rpc/protocol.ts';
import { ChannelHub, type PortMessage, type SlotPort } from '../shuffle/channel-hub.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { Slot } from './slot.ts';
import { NO_MEMORY } from './thread-memory.ts';

const ROWS = 100;
const ASK_MS = 500;

/** Milliseconds that a batch takes at either end; `pause`: until the source has the next one. */
interface Costs {
  source: number;
  sink: number;
  pause?: number;
}

/** A slot whose clock is moved by what its tasks do. */
class Thread {
  time = 0;
  asked = 0;
  /** Of the task that was asked last. */
  metrics: Metrics = {};
  readonly soon: (() => void)[] = [];
  private events: { at: number; run: () => void }[] = [];
  readonly slot: Slot;

  constructor(slot: number, ports: Map<number, SlotPort>, costs: Costs) {
    const hub = new ChannelHub({
      ...{ taskManagerId: 'tm', slot, host: 'h', port: 0, token: null, temporaryFiles: localTemporaryFiles, ports },
      network: { listen: async () => ({ port: 1, close: () => undefined }), connect: () => fail('no connection') },
    });
    const after = (ms: number, run: () => void): (() => void) => {
      this.at(this.time + ms, run);
      return () => undefined;
    };
    this.slot = new Slot({
      ...{ hub, storage: {} as CheckpointStorage, temporaryFiles: localTemporaryFiles },
      ...{ taskManagerId: 'tm', temporaryDirectory: '/nowhere', memory: () => NO_MEMORY },
      connectors: {
        source: () => sourceOn(this, costs),
        sink: () => sinkOn(this, costs),
        committer: () => fail('nothing is committed'),
      },
      clock: { now: () => 0, monotonic: () => this.time, after, soon: (run) => void this.soon.push(run) },
      send: (message) => {
        if (message.type !== 'metrics') return;
        for (const { metrics } of message.tasks) Object.assign(this.metrics, { [kind(metrics)]: metrics });
      },
    });
  }

  at(at: number, run: () => void): void {
    this.events.push({ at, run });
  }

  /** When it does something next. */
  get next(): number {
    return this.soon.length > 0
      ? this.time
      : Math.max(this.time, Math.min(this.asked + ASK_MS, ...this.events.map(({ at }) => at)));
  }

  step(): void {
    this.time = this.next;
    const due = this.events.filter(({ at }) => at <= this.time).sort((a, b) => a.at - b.at);
    this.events = this.events.filter(({ at }) => at > this.time);
    for (const run of [...due.map((event) => event.run), ...this.soon.splice(0)]) run();
    if (this.time < this.asked + ASK_MS) return;
    this.asked = this.time;
    this.slot.receive({ type: 'collectMetrics' });
  }
}

const kind = (metrics: Metrics): string => ('source.events.rows' in metrics ? 'source' : 'sink');

function sourceOn(thread: Thread, { source, pause = 0 }: Costs): SourceConnector {
  return {
    createReader: ({ wake, outputSchema }) => {
      let ready = 0;
      return {
        poll: () => {
          if (thread.time < ready) {
            thread.at(ready, wake);
            return null;
          }
          thread.time += source;
          ready = thread.time + pause;
          return fromRows(
            outputSchema,
            Array.from({ length: ROWS }, (_, n) => [BigInt(n)]),
          );
        },
        addSplit: () => undefined,
        needsSplit: () => false,
        snapshot: () => [],
        backlog: () => ({ unread: null, due: null, read: { rows: 0, bytes: 0 } }),
        close: () => undefined,
      };
    },
  } as Partial<SourceConnector> as SourceConnector;
}

function sinkOn(thread: Thread, { sink }: Costs): SinkConnector {
  return {
    createWriter: () => ({
      write: () => (thread.time += sink),
      prepareCommit: async () => [],
      abort: async () => undefined,
    }),
  } as Partial<SinkConnector> as SinkConnector;
}

/** A source and a sink behind an exchange, each in the slot that it is given, after half a minute. */
async function run(costs: Costs, slots: { source: number; sink: number }): Promise<{ source: Metrics; sink: Metrics }> {
  const threads: Thread[] = [];
  const handlers: ((message: PortMessage) => void)[] = [];
  const port = (from: number, to: number): SlotPort => ({
    post: (message) => threads[to]!.at(threads[from]!.time, () => handlers[from]!(message)),
    receive: (handler) => (handlers[to] = handler),
    close: () => undefined,
  });
  threads.push(new Thread(0, new Map([[1, port(0, 1)]]), costs), new Thread(1, new Map([[0, port(1, 0)]]), costs));
  const plan = testPlan('STREAMING', 1);
  const graph = new ExecutionGraph(plan, 'x', 0);
  const executions = graph.executions();
  for (const execution of executions) {
    const slot = slots[graph.specOf(execution).id as keyof typeof slots];
    execution.slot = { taskManagerId: 'tm', slot, host: 'h', port: 1 };
  }
  for (const execution of executions)
    threads[execution.slot!.slot]!.slot.receive({
      type: 'deploy',
      task: deploymentOf(graph, execution, testOptions(plan), null),
    });
  // Tasks start in a promise.
  await new Promise((resolve) => setImmediate(resolve));
  while (Math.min(...threads.map(({ time }) => time)) < 30_000)
    threads.reduce((first, other) => (other.next < first.next ? other : first)).step();
  return Object.assign({}, ...threads.map(({ metrics }) => metrics)) as { source: Metrics; sink: Metrics };
}

function fail(message: string): never {
  throw new Error(message);
}

const share = (metrics: Metrics): number[] =>
  ['busy', 'idle', 'backPressured'].map((name) => metrics[`${name}TimeMsPerSecond`]!);
const apart = { source: 0, sink: 1 };
const together = { source: 0, sink: 0 };

test('a slow sink is busy all the time, and back-pressure is where the rows come from', async () => {
  const { source, sink } = await run({ source: 1, sink: 20 }, apart);
  const [busy, idle, held] = share(source);
  expect(held).toBeGreaterThan(900);
  expect(idle).toBe(0);
  expect(busy! + held!).toBe(1000);
  expect(share(sink)).toEqual([1000, 0, 0]);
  expect(sink['numRecordsInPerSecond']! / 5_000).toBeCloseTo(1, 1);
});

test('behind a slow source a quick sink is mostly idle, and nobody is held back', async () => {
  const { source, sink } = await run({ source: 20, sink: 1 }, apart);
  expect(share(source)).toEqual([1000, 0, 0]);
  expect(share(sink)[0]! / 50).toBeCloseTo(1, 0);
  expect(share(sink)[2]).toBe(0);
  expect(source['Source__events[1].numRecordsOutPerSecond']! / 5_000).toBeCloseTo(1, 1);
  expect(sink['events[3]__Writer.numRecordsIn']).toBe(sink['numRecordsIn']);
});

test.each([
  ['apart', apart],
  ['in one slot', together],
])('a source that waits for its rows is idle, and so is who reads from it: %s', async (_, slots) => {
  const { source, sink } = await run({ source: 100, sink: 50, pause: 900 }, slots);
  expect(share(source)[1]).toBeGreaterThan(800);
  expect(share(source)[2]).toBe(0);
  expect(share(sink)[1]).toBeGreaterThan(900);
  expect(share(sink)[0]).toBeGreaterThan(30);
});

test('who waits for its turn in a slot is busy: a thread that can do no more has a task that is always busy', async () => {
  const { source, sink } = await run({ source: 10, sink: 10 }, together);
  expect(share(source)).toEqual([1000, 0, 0]);
  expect(share(sink)[0]! + share(sink)[1]!).toBe(1000);
  expect(sink['numRecordsInPerSecond']! / 5_000).toBeCloseTo(1, 1);
});

test('a task that waits for its turn shows it also where the other does most of the work', async () => {
  const quick = await run({ source: 1, sink: 19 }, together);
  expect(share(quick.source)).toEqual([1000, 0, 0]);
  expect(share(quick.sink)[0]).toBeGreaterThan(940);
  const slow = await run({ source: 19, sink: 1 }, together);
  expect(share(slow.source)).toEqual([1000, 0, 0]);
  expect(share(slow.sink)[0]).toBeLessThan(60);
});
