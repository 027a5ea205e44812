// Who says last where the JobManager is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoints } from '../config.ts';
import { readEndpoints, writeEndpoints } from './endpoints-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'endpoints-'));
  file = join(folder, 'endpoints.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const of = (epoch: number, restart: number): Endpoints => ({
  pid: 1,
  jobId: 'ab'.repeat(16),
  epoch,
  restart,
  restUrl: 'http://localhost:1',
  rpcAddress: 'localhost',
  rpcPort: 2,
});

test.each([
  ['the same attempt', of(2, 1), of(2, 1)],
  ['a restart', of(2, 1), of(2, 2)],
  ['a higher epoch', of(2, 1), of(3, 0)],
])('%s takes the place of what the file says', (_name, before, after) => {
  writeEndpoints(file, before);
  writeEndpoints(file, after);
  expect(readEndpoints(file)).toEqual(after);
});

test.each([
  ['a later restart of its epoch', of(2, 1), of(2, 0)],
  ['a higher epoch', of(3, 0), of(2, 5)],
])('an attempt leaves the file to %s, and ends', (_name, later, earlier) => {
  writeEndpoints(file, later);
  expect(() => writeEndpoints(file, earlier)).toThrow(expect.objectContaining({ code: 'FENCED' }) as Error);
  expect(readEndpoints(file)).toEqual(later);
});

test('a file that cannot be understood is written anew', () => {
  writeFileSync(file, '{');
  expect(readEndpoints(file)).toBeNull();
  writeEndpoints(file, of(1, 0));
  expect(readEndpoints(file)).toEqual(of(1, 0));
});
