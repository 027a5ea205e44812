// Savepoints of every version of the format: each is read, found whole, and restored at any parallelism to the same rows.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import fc from 'fast-check';
import { sinkConnector, sourceConnector } from '../connectors/registry.ts';
import { checkRestore } from '../jobmanager/restore-check.ts';
import { createOperator } from '../operators/create.ts';
import { Collector } from '../operators/harness.ts';
import type { ExecPlan, OperatorSpec } from '../plan/exec-plan.ts';
import { planScript } from '../plan/plan-script.ts';
import { keyGroupRange } from '../state/key-groups.ts';
import type { StateSchema } from '../state/schema.ts';
import { LocalFileSystem } from '../storage/local-file-system.ts';
import { LocalObjectStore } from '../storage/local-object-store.ts';
import { orders, rowText, stateOf, ticks } from './orders.fixture.ts';
import { readSavepoint } from './independent-reader.fixture.ts';
import { inspectState, stateRows } from './inspect.ts';
import { LocalCheckpointStorage } from './local-storage.ts';
import { MANIFEST_NAME } from './manifest-file.ts';
import { writeStateFile } from './state-file.ts';
import { StateFolder } from './state-folder.ts';
import { MemoryObjectStore } from '../storage/memory-object-store.ts';
import type { Manifest } from './storage.ts';

const FIXTURES = resolve('test/fixtures/savepoints');
const INPUT = join(FIXTURES, 'orders.csv');
const JOB = '0000000000000000000000000000000a';
const WINDOW = 10_000;
const versions = readdirSync(FIXTURES).filter((name) => /^v\d+$/.test(name));
const store = new LocalObjectStore(new LocalFileSystem(), FIXTURES, 'reader');

/** The folders of a version that a job can be restored from. */
function foldersOf(version: string): string[] {
  const checkpoints = join(version, 'killed/state/checkpoints', JOB);
  const killed = readdirSync(join(FIXTURES, checkpoints)).filter((name) => name.startsWith('chk-'));
  return [join(version, 'savepoint'), ...killed.map((name) => join(checkpoints, name))];
}

const plan: ExecPlan = planScript(
  readFileSync(join(FIXTURES, 'job.sql'), 'utf8').replaceAll('{{rate}}', '100').replace('{{input}}', INPUT),
  {
    mode: 'STREAMING',
    parallelism: 2,
    jobName: 'fixture',
    describeSource: (table) => sourceConnector(table).describe(table),
    describeSink: (table, changelog) => sinkConnector(table).describe(table, changelog),
  },
);
const operators: OperatorSpec[] = plan.vertices.flatMap((vertex) => vertex.operators);

/** What the operator must hold when the sources stand where the manifest says. */
function expectedRows(manifest: Manifest, uid: string, schema: StateSchema, watermark: number | null): string[] {
  const splitsOf = (source: string) =>
    manifest.sources.find(({ operatorId }) => operators.find(({ uid: of }) => of === source)?.id === operatorId)!
      .splits;
  const keys = schema.keys.map(({ name }) => name);
  const accumulators = schema.accumulators.map(({ name }) => name);
  if (uid.includes('/ticks:')) {
    // 1200 numbers in 16 splits; what is no longer listed has been read to its end.
    const unread = new Map(
      splitsOf('source:ticks').map(({ ordinal, position }) => [ordinal, Number(position['next'])]),
    );
    const read = Array.from({ length: 16 }, (_, i) => ticks(75 * i, unread.get(i) ?? 75 * (i + 1))).flat();
    return stateOf(read, keys, accumulators, null);
  }
  const read = orders(INPUT, Number(splitsOf('source:orders')[0]!.position['offset']));
  return stateOf(read, keys, accumulators, schema.kind === 'WINDOWS' ? { size: WINDOW, after: watermark! } : null);
}

const countsOf = ({ rows, bytes }: Record<string, unknown>): Record<string, unknown> => ({ rows, bytes });

/** What is wrong with it, as people are told; empty: nothing. */
async function damageOf(folder: StateFolder): Promise<string> {
  try {
    return (await inspectState(folder)).damages.join('\n');
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(versions.flatMap((version) => foldersOf(version).map((path) => ({ version, path }))))(
  '$path',
  ({ version, path }) => {
    const folder = new StateFolder(store, `${path}/`, join(FIXTURES, path));

    test('is whole, and holds what the input gives', async () => {
      const found = await inspectState(folder);
      expect(found.damages).toEqual([]);
      expect(`v${found.manifest.formatVersion}`).toBe(version);
      expect(found.operators.map(({ uid }) => uid.split('/')[0]).sort()).toEqual(
        ['code', 'customer', 'flags', 'id', 'numbers', 'tick']
          .map((name) => `agg:by_${name}`)
          .concat('agg:totals', 'window-agg:windows'),
      );
      for (const { operatorId, uid, stateSchema, watermark, rows } of found.operators) {
        const held: string[] = [];
        for await (const { cells } of stateRows(folder, found.manifest, operatorId)) held.push(rowText(cells));
        expect([uid, held.sort()]).toEqual([uid, expectedRows(found.manifest, uid, stateSchema!, watermark)]);
        expect(rows).toBe(held.length);
      }
    });

    test('names the sink of output that is made visible with it, and from version 2 on no path', async () => {
      const { manifest } = await inspectState(folder);
      const sink = operators.find(({ uid }) => uid === 'sink:windows')!;
      expect(manifest.committables.length).toBeGreaterThan(0);
      for (const { operatorId, payload } of manifest.committables) {
        const names = {
          from: expect.stringMatching(/^\.part-/) as string,
          to: expect.stringMatching(/^part-/) as string,
        };
        if (version === 'v1') expect(payload).toMatchObject({ base: '/data/flowjob/output', ...names });
        else expect([operatorId, payload]).toEqual([sink.id, { ...names, ...countsOf(payload) }]);
      }
      if (version !== 'v1')
        for (const name of readdirSync(join(FIXTURES, path)))
          expect(readFileSync(join(FIXTURES, path, name)).includes('/data/flowjob')).toBe(false);
    });

    test('is read to the same rows by a reader that knows only the documentation', async () => {
      const found = await inspectState(folder);
      // Checkpoints in pages are the engine's own.
      if (found.manifest.files.some(({ pages }) => pages !== undefined)) return;
      const read = readSavepoint(join(FIXTURES, path));
      expect(`v${read.version}`).toBe(version);
      for (const { uid, schema, rows, watermarks } of read.operators) {
        const watermark = watermarks.length === 0 ? null : Math.min(...watermarks);
        const expected = expectedRows(found.manifest, uid, schema as StateSchema, watermark);
        expect([uid, rows.map(rowText).sort()]).toEqual([uid, expected]);
      }
      expect(read.operators.map(({ uid }) => uid).sort()).toEqual(found.operators.map(({ uid }) => uid).sort());
    });

    test('is refused by the name of the file where a byte of it is another, or it is shorter or gone', async () => {
      const { manifest } = await inspectState(folder);
      const memory = new MemoryObjectStore();
      const copy = new StateFolder(memory, `${path}/`, path);
      const files = manifest.files.flatMap(({ path: name, pages }) =>
        pages === undefined ? [copy.key(name)] : pages.files.map((page) => copy.sibling('shared').key(page)),
      );
      const originals = new Map(
        [copy.key(MANIFEST_NAME), ...files].map((key) => [key, readFileSync(join(FIXTURES, key))]),
      );
      for (const [key, bytes] of originals) await memory.put(key, [bytes]);
      expect(await damageOf(copy)).toBe('');
      for (const [key, bytes] of originals) {
        const places = [0, 5, 8, 17, bytes.length >> 1, bytes.length - 25, bytes.length - 20, bytes.length - 1];
        for (const at of places) {
          await memory.put(key, [bytes.with(at, bytes[at]! ^ 2)]);
          expect([at, await damageOf(copy)]).toEqual([at, expect.stringContaining(basename(key))]);
        }
        await memory.put(key, [bytes.subarray(0, -1)]);
        expect(await damageOf(copy)).toContain(basename(key));
        await memory.delete(key);
        expect(await damageOf(copy)).toContain(key.endsWith(MANIFEST_NAME) ? path : basename(key));
        await memory.put(key, [bytes]);
      }
      expect(await damageOf(copy)).toBe('');
    });

    test('is taken up by the operators of the same text, at any parallelism', async () => {
      const storage = new LocalCheckpointStorage(FIXTURES);
      const manifest = await storage.readManifest(join(FIXTURES, path));
      checkRestore(manifest, path, plan, false);
      const found = await inspectState(folder);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 128 }), async (parallelism) => {
          const memory = new StateFolder(new MemoryObjectStore(), 'again/', 'again');
          const again: Manifest = { ...manifest, formatVersion: 2, files: [] };
          for (const { operatorId } of found.operators) {
            const spec = operators.find(({ id }) => id === operatorId)!;
            for (let subtask = 0; subtask < parallelism; subtask++) {
              const range = keyGroupRange(subtask, parallelism);
              const operator = createOperator(spec, new Collector().context('STREAMING', subtask, parallelism));
              await operator.restore(
                (await storage.readOperatorState(join(FIXTURES, path), manifest, operatorId, range))!,
              );
              const snapshot = operator.snapshot()!;
              again.files.push(
                await writeStateFile(memory, { vertexId: operatorId, subtask, attempt: '1' }, [snapshot]),
              );
              snapshot.keyed?.release();
              operator.close();
            }
          }
          for (const { operatorId, uid, stateSchema, watermark } of found.operators) {
            const held: string[] = [];
            for await (const { cells } of stateRows(memory, again, operatorId)) held.push(rowText(cells));
            expect([uid, held.sort()]).toEqual([uid, expectedRows(manifest, uid, stateSchema!, watermark)]);
          }
        }),
        { numRuns: 3, examples: [[1], [128]] },
      );
    });
  },
);
