// Channels of all three kinds: whoever comes first, credit stops the producer, order is kept; and files of a blocking exchange.
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { fromRows, toRows } from '../columnar/batch.ts';
import type { ExecEdge } from '../plan/exec-plan.ts';
import { sqlType } from '../plan/types.ts';
import { tcp } from '../rpc/tcp.ts';
import type { ChannelDescriptor } from '../rpc/protocol.ts';
import { localTemporaryFiles as files } from '../storage/local-temporary-files.ts';
import { ChannelHub } from './channel-hub.ts';
import { PipelinedOutput } from './edge-output.ts';
import type { Element } from './element.ts';
import { CHANNEL_CREDITS, InputChannel } from './input-channel.ts';
import { threadPort } from './thread-port.ts';
import { OutputChannel } from './output-channel.ts';
import { ProducerLost } from './producer-lost.ts';
import { SpillFileChannel } from './spill-input.ts';
import { SpillOutput } from './spill-output.ts';

const schema = [
  { name: 'v', type: sqlType.bigint() },
  { name: 's', type: sqlType.string() },
];
const row = (value: number) => fromRows(schema, [[BigInt(value), `text ${value}`]]);
const edge = (kind: 'REBALANCE' | 'HASH'): ExecEdge => ({
  id: 'e',
  sourceVertex: 'a',
  sourceOperator: 'a',
  targetVertex: 'b',
  exchange: kind === 'HASH' ? { kind, keys: [0] } : { kind },
  shuffle: 'PIPELINED',
  schema,
});

const show = (element: Element | null): unknown =>
  element === null ? null : element.kind === 'batch' ? Number(toRows(element.batch)[0]![0]) : element.kind;

/** Elements as they come; resolves `count` of them. */
async function receive(input: InputChannel, count: number, arrived: () => Promise<void>): Promise<unknown[]> {
  const found: unknown[] = [];
  while (found.length < count) {
    const element = input.take();
    if (element === null) await arrived();
    else found.push(show(element));
  }
  return found;
}

async function hub(slot: number, threads: Map<number, MessagePort>, taskManagerId = 'tm', token: string | null = 't') {
  const ports = new Map([...threads].map(([to, port]) => [to, threadPort(port)]));
  const created = new ChannelHub({
    taskManagerId,
    slot,
    host: '127.0.0.1',
    port: 0,
    token,
    network: tcp,
    temporaryFiles: files,
    ports,
  });
  return { created, port: await created.listen() };
}

function consumer(): { input: InputChannel; arrived: () => Promise<void>; failures: string[] } {
  let wake: () => void = () => undefined;
  const failures: string[] = [];
  const input = new InputChannel(
    'c',
    schema,
    () => wake(),
    (message) => {
      failures.push(message);
      wake();
    },
  );
  return { input, failures, arrived: async () => new Promise<void>((resolve) => (wake = resolve)) };
}

const descriptor = (taskManagerId: string, slot: number, port: number): ChannelDescriptor => ({
  id: 'c',
  producerExecution: 'x',
  producer: { taskManagerId, slot, host: '127.0.0.1', port },
  spill: null,
});

describe.each(['direct', 'port', 'socket'] as const)('a %s channel', (kind) => {
  async function pair() {
    const ports = new MessageChannel();
    const closing: (() => void)[] = [() => ports.port1.close()];
    const producer = await hub(0, new Map([[1, ports.port1]]));
    const consuming =
      kind === 'direct' ? producer : await hub(1, new Map([[0, ports.port2]]), kind === 'socket' ? 'other' : 'tm');
    return {
      producer,
      consuming,
      close: () => {
        consuming.created.release([], ['c']);
        producer.created.close();
        if (consuming !== producer) consuming.created.close();
        for (const one of closing) one();
      },
    };
  }

  test('brings everything in order, whoever comes first', async () => {
    for (const consumerFirst of [true, false]) {
      const { producer, consuming, close } = await pair();
      const { input, arrived } = consumer();
      const output = new OutputChannel('c', () => undefined);
      const connect = (): void => consuming.created.connect(descriptor('tm', 0, producer.port), input);
      if (consumerFirst) connect();
      producer.created.offer(output);
      for (let i = 0; i < 20; i++) output.push({ kind: 'batch', batch: row(i) });
      output.push({ kind: 'watermark', watermark: 5 });
      output.push({ kind: 'end' });
      if (!consumerFirst) connect();
      const found = await receive(input, 22, arrived);
      expect(found).toEqual([...Array.from({ length: 20 }, (_, i) => i), 'watermark', 'end']);
      close();
    }
  });

  test('stops its producer when the consumer takes nothing, and tells it when there is room', async () => {
    const { producer, consuming, close } = await pair();
    const { input, arrived } = consumer();
    let writable: () => void = () => undefined;
    const output = new OutputChannel('c', () => writable());
    const room = new Promise<void>((resolve) => (writable = resolve));
    producer.created.offer(output);
    consuming.created.connect(descriptor('tm', 0, producer.port), input);
    output.push({ kind: 'batch', batch: row(0) });
    await receive(input, 1, arrived);
    let sent = 1;
    while (!output.full) output.push({ kind: 'batch', batch: row(sent++) });
    expect(sent).toBeLessThanOrEqual(1 + CHANNEL_CREDITS + 2);
    await receive(input, sent - 1, arrived);
    await room;
    expect(output.full).toBe(false);
    close();
  });
});

test('a consumer without the token gets nothing', async () => {
  const producer = await hub(0, new Map());
  const stranger = await hub(0, new Map(), 'other', 'wrong');
  const { input, arrived, failures } = consumer();
  const output = new OutputChannel('c', () => undefined);
  producer.created.offer(output);
  output.push({ kind: 'batch', batch: row(1) });
  stranger.created.connect(descriptor('tm', 0, producer.port), input);
  await arrived();
  expect(failures[0]).toContain('was lost');
  expect(output.drained).toBe(false);
  producer.created.close();
  stranger.created.close();
});

test('a round robin gives each consumer its share', () => {
  const channels = [0, 1].map((i) => new OutputChannel(`${i}`, () => undefined));
  const output = new PipelinedOutput(edge('REBALANCE'), channels, 0);
  output.emit(row(1));
  output.emit(row(2));
  expect(channels.map((channel) => channel.drained)).toEqual([false, false]);
  expect(output.rows).toBe(2);
});

describe('a file of a blocking exchange', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowjob-spill-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  test('gives each consumer its rows, all of them once', () => {
    const path = join(folder, 'x.shuffle');
    const output = new SpillOutput({ ...edge('HASH'), shuffle: 'BLOCKING' }, path, 3, 0, files);
    const rows = Array.from({ length: 1000 }, (_, i): [bigint, string] => [BigInt(i), `text ${i}`.repeat(i % 50)]);
    for (let i = 0; i < 100; i++) output.emit(fromRows(schema, rows.slice(i * 10, i * 10 + 10)));
    const bytes = output.finish();
    expect(bytes.every((count) => count > 0)).toBe(true);
    const read = [0, 1, 2].map((partition) => {
      const channel = new SpillFileChannel(files, { path, partition }, 'x', schema);
      const found: unknown[][] = [];
      for (let element = channel.take(); element?.kind === 'batch'; element = channel.take())
        found.push(...toRows(element.batch));
      expect(channel.take()).toBeNull();
      return found;
    });
    const order = (a: unknown[], b: unknown[]): number => Number(a[0]) - Number(b[0]);
    expect(read.flat().sort(order)).toEqual(rows);
    expect(read.every((part) => part.length > 100)).toBe(true);
  });

  const written = (path: string): void => {
    const output = new SpillOutput({ ...edge('REBALANCE'), shuffle: 'BLOCKING' }, path, 1, 0, files);
    output.emit(row(7));
    output.finish();
  };

  test('is asked of its producer, also of one in the same slot: what is there is sent, what is gone is lost, and nobody waits for it', async () => {
    const path = join(folder, 'x.shuffle');
    written(path);
    const { created, port } = await hub(0, new Map());
    const there = consumer();
    created.connect({ ...descriptor('tm', 0, port), id: 'there', spill: { path, partition: 0 } }, there.input);
    expect(await receive(there.input, 2, there.arrived)).toEqual([7, 'end']);
    const gone = consumer();
    const location = { path: join(folder, 'none'), partition: 0 };
    created.connect({ ...descriptor('tm', 0, port), id: 'gone', spill: location }, gone.input);
    await gone.arrived();
    expect(gone.failures[0]).toMatch(/intermediate result .*none cannot be read/);
    created.close();
  });

  test.each([
    ['that is cut short', (path: string) => truncateSync(path, 3)],
    ['whose index is half written', (path: string) => truncateSync(`${path}.index`, 3)],
    ['whose index has no such partition', (path: string) => writeFileSync(`${path}.index`, '[]')],
  ])('%s names the execution that has to run again', (_name, harm) => {
    const path = join(folder, 'x.shuffle');
    written(path);
    harm(path);
    const read = (): unknown => new SpillFileChannel(files, { path, partition: 0 }, 'x', schema).take();
    expect(read).toThrow(expect.objectContaining({ code: 'PARTITION_LOST', execution: 'x' }) as Error);
  });

  test('of a task that gives up goes, and its index', () => {
    const path = join(folder, 'x.shuffle');
    const output = new SpillOutput({ ...edge('REBALANCE'), shuffle: 'BLOCKING' }, path, 1, 0, files);
    output.emit(row(7));
    output.finish();
    output.abort();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that is gone names the execution that has to run again', () => {
    const location = { path: join(folder, 'none'), partition: 0 };
    expect(() => new SpillFileChannel(files, location, 'lost-one', schema)).toThrow(ProducerLost);
    try {
      new SpillFileChannel(files, location, 'lost-one', schema);
    } catch (error) {
      expect(error).toMatchObject({ code: 'PARTITION_LOST', execution: 'lost-one' });
    }
  });
});
