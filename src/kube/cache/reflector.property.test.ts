// Whatever happens between us and the server, once it is quiet the store holds what the server holds, and what was told on the way could have happened.
import fc from 'fast-check';
import { ConnectionError } from '../errors.ts';
import { compareVersions } from '../object.ts';
import { ModelServer } from '../testing/model-server.ts';
import { ModelTransport, type Fault } from '../testing/model-transport.ts';
import { THINGS, clientOf, seeded, stored, thing, type Thing } from '../testing/things.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Informer } from './informer.ts';
import type { Change } from './store.ts';

type Step =
  | { do: 'write' | 'delete' | 'recreate' | 'writeAndRecord'; name: string }
  | { do: 'wait'; ms: number }
  | { do: 'end' | 'cut' | 'silence' | 'compact' | 'garble' | 'double' | 'backUp' | 'restore' }
  | { do: 'fail'; fault: Fault; times: number }
  | { do: 'down'; ms: number };

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('write', 'delete', 'recreate', 'writeAndRecord'), name }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(0, 1, 50, 1_000, 61_000, 400_000) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('end', 'cut', 'silence', 'compact', 'garble', 'double') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail'),
      fault: fc.constantFrom<Fault>('refused', 'lost', 'reply-lost', 429, 500, 503, 504),
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down'), ms: fc.constantFrom(500, 20_000, 120_000) }) },
);

const withRestores = fc.oneof(
  { weight: 8, arbitrary: step },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('backUp', 'restore') }) },
);

const HOUR = 3_600_000;

interface Outcome {
  server: Thing[];
  store: Thing[];
  told: Change<Thing>[];
  troubles: unknown[];
}

/** Lets a history happen to an informer, then a quarter of an hour of peace, or as long as it takes to list anew. */
async function live(steps: readonly Step[], seed: number, relistEveryMs: number): Promise<Outcome> {
  const clock = new VirtualClock();
  const random = seeded(seed);
  const server = new ModelServer(clock);
  const faults: Fault[] = [];
  let downUntil = 0;
  const transport = new ModelTransport(server, clock, {
    random,
    latencyMs: 40,
    next: () => (clock.monotonic() < downUntil ? 'refused' : (faults.shift() ?? null)),
  });
  const told: Change<Thing>[] = [];
  const troubles: unknown[] = [];
  const informer = new Informer<Thing>({
    client: clientOf(transport, clock, random),
    resource: THINGS,
    clock,
    random,
    relistEveryMs,
    onTrouble: (error) => troubles.push(error),
  });
  informer.store.onChange((change) => told.push(change));
  const ending = new AbortController();
  const running = informer.run(ending.signal);
  let texts = 0;
  const pathOf = (of: string): string => `/apis/example.dev/v1/namespaces/default/things/${of}`;
  const write = (of: string): Thing => {
    const object = thing(of, `text ${texts++} für 😀 ${of}`);
    const put = server.answer('PUT', pathOf(of), JSON.stringify(object));
    const answer =
      put.status === 404 ? server.answer('POST', pathOf(of).replace(/\/[^/]*$/, ''), JSON.stringify(object)) : put;
    return JSON.parse(answer.body as string) as Thing;
  };
  for (const happens of steps)
    switch (happens.do) {
      case 'write':
        write(happens.name);
        break;
      case 'writeAndRecord': {
        const written = write(happens.name);
        if (random() < 0.5) informer.store.record(written);
        else clock.after(random() * 2_000, () => informer.store.record(written));
        break;
      }
      case 'delete':
        server.answer('DELETE', pathOf(happens.name), undefined);
        break;
      case 'recreate':
        server.answer('DELETE', pathOf(happens.name), undefined);
        write(happens.name);
        break;
      case 'wait':
        await clock.advance(happens.ms);
        break;
      case 'end':
        server.endWatches();
        break;
      case 'cut':
        server.endWatches(new ConnectionError('reset', true, null));
        break;
      case 'silence':
        server.silenceWatches();
        break;
      case 'compact':
        server.compact();
        break;
      case 'garble':
        // Of a line of which nothing is left nobody could tell that there was one.
        server.spoil = (line) => line.slice(0, Math.max(1, Math.floor(line.length * random()))) + '\n';
        break;
      case 'double':
        server.spoil = (line) => line + line;
        break;
      case 'fail':
        for (let i = 0; i < happens.times; i++) faults.push(happens.fault);
        break;
      case 'down':
        server.endWatches(new ConnectionError('reset', true, null));
        downUntil = clock.monotonic() + happens.ms;
        break;
      case 'backUp':
        server.backUp();
        break;
      case 'restore':
        if (server.restore()) server.endWatches(new ConnectionError('reset', true, null));
        break;
    }
  faults.length = 0;
  server.spoil = null;
  await clock.advance(relistEveryMs === Infinity ? 0.3 * HOUR : 2 * relistEveryMs);
  ending.abort();
  await clock.until(running);
  const byName = (a: Thing, b: Thing): number => (a.metadata.name < b.metadata.name ? -1 : 1);
  const sorted = (objects: Thing[]): Thing[] => objects.sort(byName);
  return { server: sorted(server.contents as Thing[]), store: sorted(informer.store.list()), told, troubles };
}

/** Each object is added, then updated with newer versions, then deleted; no two have a name at once. */
function illegal(told: readonly Change<Thing>[], restored: boolean): string | null {
  const holders = new Map<string, string>();
  const versions = new Map<string, string>();
  for (const change of told) {
    const { name: of, uid, resourceVersion } = change.object.metadata;
    const holder = holders.get(of);
    if (change.type === 'Added' && holder !== undefined) return `${uid} is added while ${holder} has the name ${of}`;
    if (change.type !== 'Added' && holder !== uid) return `${uid} is ${change.type} but was not added`;
    const before = versions.get(uid);
    if (!restored && change.type === 'Updated' && resourceVersion === before) return `${uid}: nothing changed`;
    if (!restored && before !== undefined && compareVersions(resourceVersion, before) < 0)
      return `${uid} went from version ${before} back to ${resourceVersion}`;
    versions.set(uid, resourceVersion);
    if (change.type === 'Deleted') holders.delete(of);
    else holders.set(of, uid);
  }
  return null;
}

const runs = 300;

test('at rest the store equals the list, and each object had a legal life, through every fault but a restored backup', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(), async (steps, seed) => {
      // No listing anew by the hour: the watches alone have to do it.
      const { server, store, told } = await live(steps, seed, Infinity);
      expect(store).toEqual(server);
      expect(illegal(told, false)).toBeNull();
    }),
    { numRuns: runs, interruptAfterTimeLimit: 30_000 },
  );
}, 60_000);

test('at rest the store equals the list after backups were restored', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(withRestores, { minLength: 1, maxLength: 40 }), fc.nat(), async (steps, seed) => {
      const { server, store, told } = await live(steps, seed, HOUR);
      expect(store).toEqual(server);
      expect(illegal(told, true)).toBeNull();
    }),
    { numRuns: runs, interruptAfterTimeLimit: 30_000 },
  );
}, 60_000);

test('the check itself finds what could not have happened', () => {
  const added = (uid: string, version: number): Change<Thing> => ({ type: 'Added', object: stored('a', uid, version) });
  expect(illegal([added('1', 1), added('2', 2)], false)).toContain('while 1 has the name');
  expect(illegal([{ type: 'Deleted', object: stored('a', '1', 1), final: true }], false)).toContain('was not added');
  const older: Change<Thing> = { type: 'Updated', object: stored('a', '1', 9), before: stored('a', '1', 10) };
  expect(illegal([added('1', 10), older], false)).toContain('back to 9');
});
