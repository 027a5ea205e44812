// The small operators: watermarks, constants, and what only the task can run.
import { fromRows, type CellValue } from '../columnar/batch.ts';
import type { ValuesSpec, WatermarkAssignerSpec } from '../plan/exec-plan.ts';
import { sqlType, type Schema } from '../plan/types.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import { createOperator } from './create.ts';
import { Collector, columnExpr } from './harness.ts';
import { MAX_WATERMARK, type OperatorContext } from './operator.ts';

const EVENTS: Schema = [
  { name: 'id', type: sqlType.int() },
  { name: 'ts', type: sqlType.timestamp(3) },
];

function assigner(): WatermarkAssignerSpec {
  return {
    type: 'WatermarkAssigner',
    id: 'c'.repeat(32),
    uid: 'watermark:events',
    name: 'WatermarkAssigner',
    input: null,
    inputSchema: EVENTS,
    outputSchema: EVENTS,
    rowtime: 1,
    expr: {
      kind: 'call',
      fn: 'TEMPORAL_MINUS',
      args: [
        columnExpr('ts', EVENTS),
        { kind: 'literal', value: 1000, type: { root: 'INTERVAL_DAY_TIME', nullable: false } },
      ],
      type: sqlType.timestamp(3),
    },
  };
}

const events = (...times: (number | null)[]) =>
  fromRows(
    EVENTS,
    times.map((ts, i): CellValue[] => [i, ts]),
  );

describe('WatermarkAssigner', () => {
  test('emits the greatest value of its expression less 1 ms, after the rows, and never goes back', () => {
    const collector = new Collector();
    const operator = createOperator(assigner(), collector.context('STREAMING'));
    operator.processBatch(events(5000, 9000, 7000), collector);
    expect(collector.watermarks).toEqual([7999]);
    operator.processBatch(events(8000), collector);
    operator.processBatch(events(9001), collector);
    expect(collector.watermarks).toEqual([7999, 8000]);
    expect(collector.rows).toHaveLength(5);
  });

  test('takes no watermark from before it but the last', () => {
    const collector = new Collector();
    const operator = createOperator(assigner(), collector.context('STREAMING'));
    operator.processWatermark(50, collector);
    operator.processWatermark(MAX_WATERMARK, collector);
    expect(collector.watermarks).toEqual([MAX_WATERMARK]);
  });

  test('refuses a row without event time and names the column', () => {
    const operator = createOperator(assigner(), new Collector().context('STREAMING'));
    expect(() => operator.processBatch(events(1, null), new Collector())).toThrow(/event time ts of a row is NULL/);
  });

  test('emits none in batch mode', () => {
    const collector = new Collector();
    createOperator(assigner(), collector.context('BATCH')).processBatch(events(5000), collector);
    expect([collector.watermarks, collector.rows.length]).toEqual([[], 1]);
  });
});

describe('Values', () => {
  const spec: ValuesSpec = {
    type: 'Values',
    id: 'd'.repeat(32),
    uid: 'values:1',
    name: 'Values',
    input: null,
    outputSchema: [
      { name: 'n', type: sqlType.bigint() },
      { name: 'd', type: sqlType.decimal(6, 2) },
      { name: 's', type: sqlType.string() },
    ],
    rows: [
      ['12', '1.5', 'x'],
      [null, '-0.25', null],
      ['-9223372036854775808', '7', ''],
    ],
  };
  const run = async (context: OperatorContext, collector: Collector, union: Uint8Array[] = []) => {
    const operator = createOperator(spec, context);
    await operator.restore({
      stateSchema: null,
      keyed: [],
      keyGroups: keyGroupRange(context.subtask, context.parallelism),
      union,
    });
    operator.processWatermark(MAX_WATERMARK, collector);
    operator.finish(collector);
    return operator.snapshot()!.union;
  };

  test('are emitted once, by the first subtask, and not again after a restore', async () => {
    const collector = new Collector();
    expect(await run(collector.context('STREAMING', 1, 2), collector)).toEqual([]);
    expect(collector.rows).toEqual([]);
    const union = await run(collector.context('STREAMING', 0, 2), collector);
    expect(collector.rows).toEqual([
      [12n, 150n, 'x'],
      [null, -25n, null],
      [-9223372036854775808n, 700n, ''],
    ]);
    await run(collector.context('STREAMING', 0, 3), collector, union);
    expect(collector.rows).toHaveLength(3);
  });
});

test('sources and sinks are no operators', () => {
  const table = { name: 't', connector: 'print', options: {}, schema: [] };
  const base = { id: 'e'.repeat(32), uid: 't', name: 'Sink: t', input: null, outputSchema: [] };
  expect(() => createOperator({ ...base, type: 'Sink', table }, new Collector().context('BATCH'))).toThrow(
    /run by the task/,
  );
});
