// The object stores that there are keep the contract; and what only the one on files has to care for.
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LocalFileSystem } from './local-file-system.ts';
import { LocalObjectStore } from './local-object-store.ts';
import { MemoryObjectStore } from './memory-object-store.ts';
import { objectStoreConformance } from './object-store.conformance.ts';

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'objects-'));
}

objectStoreConformance('a folder', async () => {
  const root = await folder();
  const at = join(root, 'made', 'on-use');
  return {
    store: new LocalObjectStore(new LocalFileSystem(), at, 'one'),
    other: new LocalObjectStore(new LocalFileSystem(), at, 'two'),
    close: () => rm(root, { recursive: true, force: true }),
  };
});

objectStoreConformance('memory', async () => {
  const store = new MemoryObjectStore();
  return { store, other: store, close: async () => undefined };
});

describe('objects in a folder', () => {
  let root: string;
  let store: LocalObjectStore;
  beforeEach(async () => {
    root = await folder();
    store = new LocalObjectStore(new LocalFileSystem(), root, 'me');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test('a temporary file that a dead writer left is invisible, cleared away on demand, and so is its folder', async () => {
    await store.put('chk-1/state', []);
    await mkdir(join(root, 'chk-2'));
    for (const name of ['chk-1/.state.other-7.tmp', 'chk-2/._metadata.other-8.tmp'])
      await writeFile(join(root, name), 'half');
    expect(await store.list('')).toEqual(['chk-1/state']);
    await store.removeUnfinished('');
    expect(readdirSync(join(root, 'chk-1'))).toEqual(['state']);
    expect(existsSync(join(root, 'chk-2'))).toBe(false);
  });

  test('a folder that was there gets a durable name, as those around it do, once: who made it may have died before', async () => {
    const synced: string[] = [];
    const files = new LocalFileSystem();
    const sync = files.syncDirectory.bind(files);
    files.syncDirectory = async (path) => {
      synced.push(path);
      await sync(path);
    };
    await mkdir(join(root, 'a/b'), { recursive: true });
    const finder = new LocalObjectStore(files, root, 'finder');
    await finder.put('a/b/c', []);
    expect(synced).toEqual([join(root, 'a'), root, dirname(root), join(root, 'a/b')]);
    synced.length = 0;
    await finder.put('a/b/d', []);
    expect(synced).toEqual([join(root, 'a/b')]);
    await finder.delete('a/b/c');
    await finder.delete('a/b/d');
    await mkdir(join(root, 'a/b'), { recursive: true });
    synced.length = 0;
    await finder.put('a/b/e', []);
    expect(synced).toEqual([join(root, 'a'), root, join(root, 'a/b')]);
  });

  test('the name of a temporary file is no key', async () => {
    await expect(store.put('a/.b.me-1.tmp', [])).rejects.toMatchObject({ code: 'OBJECT_KEY' });
  });

  test('folders go with their last object, the root stays', async () => {
    await store.put('a/b/c', []);
    await store.put('a/d', []);
    await store.delete('a/b/c');
    expect(readdirSync(join(root, 'a'))).toEqual(['d']);
    await store.delete('a/d');
    expect(readdirSync(root)).toEqual([]);
  });

  test('nothing temporary stays behind after a write, a lost race or a failed write', async () => {
    await store.put('k', []);
    await store.put('k', [], { ifAbsent: true });
    await store.put('k', [1 as never]).catch(() => undefined);
    expect(readdirSync(root)).toEqual(['k']);
  });
});
