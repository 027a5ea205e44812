// What a mutation is, and the tree that it is made in: a copy, never the working tree itself.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Mutation {
  /** Stable, for `npm run mutate -- NAME` and the table. */
  name: string;
  /** What the mutated code does, as a sentence. */
  does: string;
  file: string;
  /** Stands in the file exactly once. */
  from: string;
  to: string;
  caughtBy: Catcher;
}

/** The fastest test that sees it: a unit test file, or simulated schedules with these seeds. */
export type Catcher = { test: string } | { seeds: { from: number; count: number } };

/** The file's text with the mutation in it. Throws when the text that it replaces is not there exactly once. */
export function mutated(mutation: Mutation, text: string): string {
  const parts = text.split(mutation.from);
  if (parts.length !== 2)
    throw new Error(
      `mutation ${mutation.name}: the text that it replaces stands ${parts.length - 1} times in ${mutation.file}, not once: ${mutation.from}`,
    );
  return parts.join(mutation.to);
}

/** What a test may read: sources, tests and their configuration. */
const COPIED = [
  'engine',
  'src',
  'test',
  'scripts',
  'docs',
  'crds',
  'examples',
  'package.json',
  'jest.config.js',
  'tsconfig.json',
];

export class TreeCopy {
  readonly root: string;

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'flowjob-mutate-'));
    for (const name of COPIED) cpSync(name, join(this.root, name), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.root, 'node_modules'));
  }

  /** `work` sees the mutated file; afterwards it is as it was. */
  async with<T>(mutation: Mutation, work: () => Promise<T>): Promise<T> {
    const path = join(this.root, mutation.file);
    const original = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(mutation, original));
    try {
      return await work();
    } finally {
      writeFileSync(path, original);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
