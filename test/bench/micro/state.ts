// Bytes per CPU second of state that one thread reads into pages and sections and takes back, at barriers between which every page was written:
// `node test/bench/micro/state.ts`.
import { crc32 } from 'node:zlib';
import { BATCH_ROWS, type ColumnBatch } from '../../../engine/columnar/batch.ts';
import { createOperator } from '../../../engine/operators/create.ts';
import { Collector, columnExpr, groupSpec, INPUT } from '../../../engine/operators/harness.ts';
import type { OperatorContext } from '../../../engine/operators/operator.ts';
import type { AccumulatorSpec } from '../../../engine/plan/exec-plan.ts';
import { sqlType } from '../../../engine/plan/types.ts';
import { KEY_GROUPS } from '../../../engine/state/key-groups.ts';

const KEYS = Number(process.env['KEYS'] ?? 1_100_000);

const accumulator = (fn: AccumulatorSpec['fn']): AccumulatorSpec => ({
  name: fn,
  fn,
  argument: fn === 'COUNT' ? null : columnExpr('amount'),
  filter: null,
  type: sqlType.bigint(fn !== 'COUNT'),
});
const spec = groupSpec(['id'], [accumulator('COUNT'), accumulator('SUM'), accumulator('MIN'), accumulator('MAX')]);
const used = INPUT.findIndex(({ name }) => name === 'id');
const amount = INPUT.findIndex(({ name }) => name === 'amount');

/** Only the two columns that the aggregation reads hold anything. */
function batchOf(first: number, scramble: (i: number) => number): ColumnBatch {
  const rows = BATCH_ROWS;
  const ids = BigInt64Array.from({ length: rows }, (_, i) => BigInt(scramble(first + i)));
  const empty = { physical: 'i64' as const, values: new BigInt64Array(rows), validity: null };
  const columns = INPUT.map((_, i) => (i === used || i === amount ? { ...empty, values: ids } : empty));
  return { schema: INPUT, rows, columns, kinds: null };
}

/** Each number below KEYS once, in no order that a cache could follow. */
const scrambled = (i: number): number => (i * 2_654_435_761) % KEYS;

const context = (subtask: number, parallelism: number): OperatorContext =>
  new Collector().context('STREAMING', subtask, parallelism);
const sink = { emit: () => undefined, emitWatermark: () => undefined };

/** Milliseconds that this thread has worked: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function report(what: string, bytes: number, from: number): void {
  const seconds = (cpuMs() - from) / 1000;
  console.log(`${what.padEnd(34)} ${(bytes / 1e6 / seconds).toFixed(0).padStart(6)} MB/s  ${seconds.toFixed(3)} s`);
}

for (let round = 0; round < 4; round++) {
  const operator = createOperator(spec, context(0, 1));
  const add = (): number => {
    const begin = cpuMs();
    for (let at = 0; at < KEYS; at += BATCH_ROWS) operator.processBatch(batchOf(at, scrambled), sink);
    operator.flush!(sink);
    return cpuMs() - begin;
  };
  add();
  let begin = cpuMs();
  const first = operator.snapshot()!.keyed!;
  const pages = first.pages().map((page) => first.readPage(page));
  const bytes = pages.reduce((sum, page) => sum + page.length, 0);
  report('pages', bytes, begin);
  first.release();
  begin = cpuMs();
  for (const page of pages) crc32(page);
  report('checksums of pages', bytes, begin);
  const plain = add();
  const held = operator.snapshot()!.keyed!;
  held.pages();
  const kept = add();
  console.log(
    `copy on write of ${(bytes / 1e6).toFixed(0)} MB costs ${(kept - plain).toFixed(0)} ms of ${plain.toFixed(0)} ms`,
  );
  held.release();
  begin = cpuMs();
  const canonical = operator.snapshot()!.keyed!;
  const sections = [...canonical.sections()].map((section) => section.bytes);
  report('sections', bytes, begin);
  canonical.release();
  for (const [what, keyed, end] of [
    ['restore of pages', pages, KEY_GROUPS - 1],
    ['restore of sections', sections, KEY_GROUPS - 1],
    ['restore of pages, half of the keys', pages, KEY_GROUPS / 2 - 1],
  ] as const) {
    const restored = createOperator(spec, context(0, 1));
    begin = cpuMs();
    await restored.restore({
      stateSchema: operator.snapshot()!.stateSchema,
      keyed,
      ownedBytes: (bytes * (end + 1)) / KEY_GROUPS,
      keyGroups: { start: 0, end },
      union: [],
    });
    report(what, bytes, begin);
    restored.close();
  }
  operator.close();
}
