// Alignment of barriers, joining of watermarks, end of input.
import { fromRows, toRows } from '../columnar/batch.ts';
import { MAX_WATERMARK } from '../operators/operator.ts';
import { sqlType } from '../plan/types.ts';
import type { Barrier } from '../rpc/protocol.ts';
import { InputChannel } from './input-channel.ts';
import { InputGate } from './input-gate.ts';

const schema = [{ name: 'v', type: sqlType.int() }];
const row = (value: number) => fromRows(schema, [[value]]);
const barrier = (checkpointId: number): Barrier => ({
  checkpointId,
  timestamp: 0,
  directory: 'd',
  after: 'CONTINUE',
  format: 'PAGES',
  base: null,
});

function gateOf(count: number): { gate: InputGate; channels: InputChannel[]; drain: () => unknown[] } {
  const channels = Array.from(
    { length: count },
    (_, i) =>
      new InputChannel(
        `${i}`,
        schema,
        () => {},
        () => {},
      ),
  );
  const gate = new InputGate(channels);
  const drain = (): unknown[] => {
    const events: unknown[] = [];
    for (let event = gate.next(); event !== null; event = gate.next())
      switch (event.kind) {
        case 'batch':
          events.push(toRows(event.batch)[0]![0]);
          break;
        case 'watermark':
          events.push(`w${event.watermark === MAX_WATERMARK ? 'max' : event.watermark}`);
          break;
        case 'barrier':
          events.push(`b${event.barrier.checkpointId}`);
          break;
        case 'idle':
          events.push(event.idle ? 'idle' : 'active');
          break;
        case 'ended':
          events.push('ended');
      }
    return events;
  };
  return { gate, channels, drain };
}

test('a channel behind its barrier is not read before all channels have theirs', () => {
  const { channels, drain } = gateOf(2);
  const [a, b] = channels as [InputChannel, InputChannel];
  a.receiveBatch(row(1));
  a.receiveControl({ kind: 'barrier', barrier: barrier(7) });
  a.receiveBatch(row(2));
  b.receiveBatch(row(10));
  expect((drain() as number[]).sort((x, y) => x - y)).toEqual([1, 10]);
  b.receiveBatch(row(11));
  b.receiveControl({ kind: 'barrier', barrier: barrier(7) });
  b.receiveBatch(row(12));
  const rest = drain();
  expect(rest.slice(0, 2)).toEqual([11, 'b7']);
  expect((rest.slice(2) as number[]).sort((x, y) => x - y)).toEqual([2, 12]);
});

test('barriers come one after the other, also from channels that have ended', () => {
  const { channels, drain } = gateOf(2);
  const [a, b] = channels as [InputChannel, InputChannel];
  a.receiveControl({ kind: 'end' });
  for (const id of [1, 2]) a.receiveControl({ kind: 'barrier', barrier: barrier(id) });
  b.receiveControl({ kind: 'barrier', barrier: barrier(1) });
  b.receiveControl({ kind: 'end' });
  b.receiveControl({ kind: 'barrier', barrier: barrier(2) });
  expect(drain()).toEqual(['b1', 'wmax', 'ended', 'b2']);
});

test('the watermark is the lowest of the channels, without idle and ended ones', () => {
  const { channels, drain } = gateOf(3);
  const [a, b, c] = channels as [InputChannel, InputChannel, InputChannel];
  a.receiveControl({ kind: 'watermark', watermark: 50 });
  b.receiveControl({ kind: 'watermark', watermark: 20 });
  expect(drain()).toEqual([]);
  c.receiveControl({ kind: 'idle', idle: true });
  expect(drain()).toEqual(['w20']);
  b.receiveControl({ kind: 'end' });
  expect(drain()).toEqual(['w50']);
  a.receiveControl({ kind: 'idle', idle: true });
  expect(drain()).toEqual(['idle']);
  c.receiveControl({ kind: 'idle', idle: false });
  expect(drain()).toEqual(['active']);
  c.receiveControl({ kind: 'watermark', watermark: 60 });
  expect(drain()).toEqual(['w60']);
});

test('input has ended when every channel has, behind the last watermark', () => {
  const { channels, drain } = gateOf(2);
  channels[0]!.receiveControl({ kind: 'end' });
  expect(drain()).toEqual([]);
  channels[1]!.receiveBatch(row(3));
  channels[1]!.receiveControl({ kind: 'end' });
  expect(drain()).toEqual([3, 'wmax', 'ended']);
});
