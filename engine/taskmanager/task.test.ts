// A task that is told to leave while it still restores: nothing of its state is touched any more.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckpointStorage, Manifest } from '../checkpoint/storage.ts';
import { systemClock } from '../clock.ts';
import { connectors } from '../connectors/registry.ts';
import { fromRows } from '../columnar/batch.ts';
import { Collector, groupSpec, INPUT, keyedBytes } from '../operators/harness.ts';
import { createOperator } from '../operators/create.ts';
import type { OperatorRestore } from '../operators/operator.ts';
import type { TaskDeployment, TaskMessage } from '../rpc/protocol.ts';
import { ChannelHub } from '../shuffle/channel-hub.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { buildTask } from './build-task.ts';
import { TaskLoop } from './task-loop.ts';
import type { Task } from './task.ts';

const spec = groupSpec(['id'], []);

let folder: string;
let hub: ChannelHub;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flowjob-task-'));
  hub = new ChannelHub({
    taskManagerId: 'tm',
    slot: 0,
    host: 'localhost',
    port: 0,
    token: null,
    network: {
      listen: async () => ({ port: 1, close: () => undefined }),
      connect: () => fail('no connection is made'),
    },
    temporaryFiles: localTemporaryFiles,
    ports: new Map(),
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

function fail(message: string): never {
  throw new Error(message);
}

/** What one subtask holds of `keys` ids, beginning with `first`. */
function stateOf(first: number, keys: number): { stateSchema: unknown; bytes: Uint8Array[] } {
  const collector = new Collector();
  const operator = createOperator(spec, collector.context('STREAMING'));
  const row = INPUT.map(() => null);
  const rows = Array.from({ length: keys }, (_, i) => [BigInt(first + i), ...row.slice(1)]);
  operator.processBatch(fromRows(INPUT, rows), collector);
  operator.flush?.(collector);
  const snapshot = operator.snapshot()!;
  return { stateSchema: snapshot.stateSchema, bytes: keyedBytes(snapshot, 'PAGES') };
}

/** A task with memory for next to none of its state, which restores what `read` gives. */
function restoring(read: () => Promise<OperatorRestore>): { task: Task; reported: TaskMessage[] } {
  const reported: TaskMessage[] = [];
  const deployment: TaskDeployment = {
    execution: 'e',
    slot: 0,
    jobId: 'ab'.repeat(16),
    epoch: 1,
    restart: 0,
    attempt: 0,
    mode: 'STREAMING',
    vertex: { id: 'v', name: 'v', parallelism: 1, maxParallelism: 128, operators: [spec] },
    subtask: 0,
    inputs: [],
    outputs: [],
    restore: 'chk-1',
    config: { 'taskmanager.memory.managed.size': '1kb' },
    statefulOperators: 1,
    metricScopes: {},
  };
  const storage = {
    readManifest: async () => ({}) as Manifest,
    readOperatorState: read,
  } as Partial<CheckpointStorage> as CheckpointStorage;
  const task = buildTask(deployment, {
    hub,
    loop: new TaskLoop(systemClock),
    storage,
    connectors,
    temporaryFiles: localTemporaryFiles,
    spillFolder: () => folder,
    clock: systemClock,
    print: () => undefined,
    report: (message) => reported.push(message),
  });
  return { task, reported };
}

const spilled = (): string[] => readdirSync(folder, { recursive: true }) as string[];
const states = (reported: TaskMessage[]): string[] =>
  reported.flatMap((message) => (message.type === 'taskState' ? [message.state] : []));

test('a task that is canceled between two parts of its state reads no third, spills no more, and leaves nothing behind', async () => {
  const first = stateOf(0, 5_000);
  const parts = [first.bytes, stateOf(5_000, 5_000).bytes, stateOf(10_000, 5_000).bytes].flat();
  expect(parts.length).toBeGreaterThan(3);
  let taken = 0;
  let closed = false;
  const seen: string[][] = [];
  async function* keyed(): AsyncGenerator<Uint8Array> {
    try {
      for (const part of parts) {
        taken++;
        if (taken === 3) {
          seen.push(spilled());
          task.command({ type: 'cancel', execution: 'e' });
          seen.push(spilled());
        }
        yield part;
      }
    } finally {
      closed = true;
    }
  }
  const { stateSchema } = first;
  const { task, reported } = restoring(async () => ({
    stateSchema,
    keyed: keyed(),
    keyGroups: { start: 0, end: 127 },
    union: [],
  }));
  await task.start();
  expect(seen[0]!.length).toBeGreaterThan(0);
  expect(seen[1]).toEqual([]);
  expect([taken, closed]).toEqual([3, true]);
  expect(spilled()).toEqual([]);
  expect(states(reported)).toEqual(['INITIALIZING', 'CANCELED']);
});

test('a task that is canceled before the state of its operator has been found restores nothing', async () => {
  const { stateSchema, bytes } = stateOf(0, 10);
  let taken = 0;
  const { task, reported } = restoring(async () => {
    task.command({ type: 'cancel', execution: 'e' });
    const keyed = (function* () {
      for (const part of bytes) {
        taken++;
        yield part;
      }
    })();
    return { stateSchema, keyed, keyGroups: { start: 0, end: 127 }, union: [] };
  });
  await task.start();
  expect(taken).toBe(0);
  expect(states(reported)).toEqual(['INITIALIZING', 'CANCELED']);
});
