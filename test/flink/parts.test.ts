import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPart, type Part } from './parts.ts';

const silent = (): void => undefined;
let downloads: string;
let fetched: number;

beforeEach(() => {
  downloads = mkdtempSync(join(tmpdir(), 'flowjob-parts-'));
  fetched = 0;
});
afterEach(() => rmSync(downloads, { recursive: true }));

/** A package that was published as `published`; the registry gives `given`. */
const part = (published: string, given: string): Part => ({
  name: 'some-package',
  release: '1',
  megabytes: 0,
  sha256: createHash('sha256').update(published).digest('hex'),
  fetch: async (folder) => {
    fetched++;
    writeFileSync(join(folder, 'some.jar'), given);
  },
});

test('a part that an earlier run fetched whole is not fetched again', async () => {
  const first = await fetchPart(part('jar', 'jar'), downloads, silent);
  expect(await fetchPart(part('jar', 'jar'), downloads, silent)).toBe(first);
  expect(fetched).toBe(1);
});

test('a part that is not as it was published is refused, with the checksum that it has', async () => {
  const sum = createHash('sha256').update('another jar').digest('hex');
  await expect(fetchPart(part('jar', 'another jar'), downloads, silent)).rejects.toThrow(sum);
});

test('a file that an earlier run left half written is fetched anew', async () => {
  await expect(fetchPart(part('jar', 'ja'), downloads, silent)).rejects.toThrow();
  const file = await fetchPart(part('jar', 'jar'), downloads, silent);
  expect(readFileSync(file, 'utf8')).toBe('jar');
});
