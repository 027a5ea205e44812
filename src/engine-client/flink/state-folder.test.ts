// Folders as Flink leaves them, with the first bytes of `_metadata` as it writes them, in a temporary folder.
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stateFolderStatements, type Store } from './state-folder.fixture.ts';
import { volumeFiles } from './state-files/volume.ts';

let store: Store;

beforeEach(() => {
  store = {
    files: volumeFiles,
    root: mkdtempSync(join(tmpdir(), 'flowjob-flink-state-')),
    write: async (path, content, at) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      if (at !== undefined) utimesSync(path, at, at);
    },
    isThere: async (path) => existsSync(path),
    uri: (path) => `file://${path}`,
  };
});

afterEach(() => rmSync(store.root, { recursive: true }));

stateFolderStatements(() => store);
