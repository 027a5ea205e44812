// What every object store must keep, as tests: call it from a test file with a way to open an empty store.
import { EngineError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : new TextDecoder().decode(bytes));

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof EngineError ? error.code : String(error)),
  );
}

/** Parts of which those after the first come only when they are let through. `begun` resolves when the first has been taken. */
function held(first: string, rest: string): { parts: AsyncIterable<Uint8Array>; begun: Promise<void>; go: () => void } {
  let go = (): void => undefined;
  let begin = (): void => undefined;
  const open = new Promise<void>((resolve) => (go = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const parts = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOf(first);
    begin();
    await open;
    yield bytesOf(rest);
  };
  return { parts: parts(), begun, go: () => go() };
}

/** `open` gives two views of one store, as two processes have them; `close` removes it. */
export function objectStoreConformance(
  name: string,
  open: () => Promise<{ store: ObjectStore; other: ObjectStore; close: () => Promise<void> }>,
): void {
  describe(`${name} is an object store`, () => {
    let store: ObjectStore;
    let other: ObjectStore;
    let close: () => Promise<void>;
    beforeEach(async () => ({ store, other, close } = await open()));
    afterEach(async () => close());

    test('an object comes back with all its parts, in order, to everybody', async () => {
      expect(await store.put('a/b/c', [bytesOf('one '), bytesOf(''), bytesOf('two')])).toBe('written');
      expect(textOf(await store.get('a/b/c'))).toBe('one two');
      expect(textOf(await other.get('a/b/c'))).toBe('one two');
      expect(await other.size('a/b/c')).toBe(7);
      const large = Uint8Array.from({ length: 700_001 }, (_, i) => i % 251);
      await store.put('large', [large.subarray(0, 3), large.subarray(3)]);
      expect(Buffer.compare((await other.get('large'))!, large)).toBe(0);
    });

    test('an empty object exists', async () => {
      await store.put('empty', []);
      expect(await store.size('empty')).toBe(0);
      expect(await store.get('empty')).toHaveLength(0);
      expect(await store.list('')).toEqual(['empty']);
    });

    test('what is not there is null, and no error to delete', async () => {
      expect(await store.get('no/such')).toBeNull();
      expect(await store.size('no/such')).toBeNull();
      expect(await store.list('no/')).toEqual([]);
      await store.delete('no/such');
      expect(await codeOf(store.getRange('no/such', 0, 1))).toBe('OBJECT_NOT_FOUND');
    });

    test('of eight that create the same object at once exactly one has written it, and it is that one that stays', async () => {
      for (let round = 0; round < 20; round++) {
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, i) =>
            (i % 2 === 0 ? store : other).put(`log/${round}`, [bytesOf(`writer ${i}`)], { ifAbsent: true }),
          ),
        );
        expect(results.filter((result) => result === 'written')).toHaveLength(1);
        expect(textOf(await other.get(`log/${round}`))).toBe(`writer ${results.indexOf('written')}`);
      }
    });

    test('a conditional create leaves what is there, also when it was written without a condition', async () => {
      await store.put('k', [bytesOf('first')]);
      expect(await other.put('k', [bytesOf('second')], { ifAbsent: true })).toBe('exists');
      expect(textOf(await store.get('k'))).toBe('first');
      await store.delete('k');
      expect(await other.put('k', [bytesOf('second')], { ifAbsent: true })).toBe('written');
    });

    test('many that overwrite an object at once leave one of them whole', async () => {
      await store.put('k', [bytesOf('before')]);
      const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000 + i));
      const reads: Promise<Uint8Array | null>[] = [];
      await Promise.all(
        contents.map(async (content, i) => {
          await (i % 2 === 0 ? store : other).put('k', [bytesOf(content.slice(0, 5)), bytesOf(content.slice(5))]);
          reads.push(store.get('k'));
        }),
      );
      for (const read of reads) expect(contents).toContain(textOf(await read));
      expect(contents).toContain(textOf(await store.get('k')));
    });

    test('nobody sees an object before it is whole, nor anything of one that was given up', async () => {
      const writing = held('half', ' and half');
      const done = store.put('f/k', writing.parts);
      await writing.begun;
      expect(await other.get('f/k')).toBeNull();
      expect(await other.size('f/k')).toBeNull();
      expect(await other.list('')).toEqual([]);
      writing.go();
      await done;
      expect(textOf(await other.get('f/k'))).toBe('half and half');

      const broken = function* (): Generator<Uint8Array> {
        yield bytesOf('new');
        throw new Error('the disk that it came from is broken');
      };
      expect(await codeOf(store.put('f/k', broken()))).toContain('broken');
      expect(await codeOf(store.put('f/other', broken()))).toContain('broken');
      expect(textOf(await other.get('f/k'))).toBe('half and half');
      expect(await other.list('')).toEqual(['f/k']);
    });

    test('a write that never ends is invisible; cleared away it fails and leaves nothing', async () => {
      const writing = held('half', ' and half');
      const done = codeOf(store.put('f/k', writing.parts));
      const elsewhere = held('whole', '');
      const kept = store.put('g/k', elsewhere.parts);
      await writing.begun;
      await elsewhere.begun;
      await other.removeUnfinished('f/');
      writing.go();
      elsewhere.go();
      expect(await done).not.toBe('nothing thrown');
      expect(await kept).toBe('written');
      expect(await other.list('')).toEqual(['g/k']);
    });

    test('a range has exactly the bytes asked for, or the object is called truncated', async () => {
      await store.put('r', [bytesOf('0123456789')]);
      expect(textOf(await store.getRange('r', 0, 10))).toBe('0123456789');
      expect(textOf(await store.getRange('r', 3, 4))).toBe('3456');
      expect(await store.getRange('r', 10, 0)).toHaveLength(0);
      expect(await codeOf(store.getRange('r', 3, 8))).toBe('OBJECT_TRUNCATED');
      expect(await codeOf(store.getRange('r', 11, 1))).toBe('OBJECT_TRUNCATED');
    });

    test('a list has the keys under a prefix at any depth, sorted, and no others', async () => {
      for (const key of ['b', 'a/2', 'a/10', 'a/x/y', 'ab/1', 'a-b/1', '.hidden/1']) await store.put(key, []);
      expect(await other.list('')).toEqual(['.hidden/1', 'a-b/1', 'a/10', 'a/2', 'a/x/y', 'ab/1', 'b']);
      expect(await other.list('a/')).toEqual(['a/10', 'a/2', 'a/x/y']);
      expect(await other.list('a/x/')).toEqual(['a/x/y']);
    });

    test('a list that is made while others write has what was there before and nothing unfinished', async () => {
      await store.put('l/0', []);
      for (let round = 0; round < 20; round++) {
        const written = Promise.all(
          Array.from({ length: 6 }, (_, i) => store.put(`l/${1 + (i % 3)}`, [bytesOf('x')], { ifAbsent: i % 2 === 0 })),
        );
        const listed = await other.list('l/');
        await written;
        expect(listed).toContain('l/0');
        expect(['l/0', 'l/1', 'l/2', 'l/3']).toEqual(expect.arrayContaining(listed));
        await Promise.all([1, 2, 3].map((i) => store.delete(`l/${i}`)));
      }
    });

    test('a deleted object is gone for everybody and can be written again, while others are written beside it', async () => {
      for (let round = 0; round < 10; round++) {
        await store.put('d/e/f', [bytesOf('there')]);
        await Promise.all([store.delete('d/e/f'), other.put(`d/e/${round}/g`, []), other.put('d/e/h', [])]);
        expect(await other.get('d/e/f')).toBeNull();
        await Promise.all([store.delete('d/e/h'), store.delete(`d/e/${round}/g`)]);
        expect(await other.list('')).toEqual([]);
      }
    });

    test('keys that would leave the store, or name nothing, are refused', async () => {
      for (const key of ['../k', 'a/../../k', '/etc/k', 'a//k', './k', 'a/.', '..', '', 'a\\k', 'a\0k', 'a/'])
        for (const work of [
          store.put(key, []),
          store.get(key),
          store.size(key),
          store.getRange(key, 0, 0),
          store.delete(key),
        ])
          expect(`${key}: ${await codeOf(work)}`).toBe(`${key}: OBJECT_KEY`);
      expect(await codeOf(store.list('../'))).not.toContain('..');
    });
  });
}
