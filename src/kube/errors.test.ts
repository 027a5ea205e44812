// The errors are those of the README, and the API server's words are read as they are meant.
import { readFileSync } from 'node:fs';
import { ApiError, KUBE_ERROR_CODES, isAlreadyExists, isConflict, isExpired, isNotFound } from './errors.ts';

test('the README says what each code means, and no other', () => {
  const readme = readFileSync('src/kube/README.md', 'utf8');
  const table = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## How it is tested'));
  const rows = [...table.matchAll(/^\| ([A-Z_, ]+) \|/gm)].flatMap(([, codes]) => codes!.split(', '));
  expect(rows.sort()).toEqual([...KUBE_ERROR_CODES].sort());
});

const said = (status: number, reason: string, causes: object[] = []): ApiError =>
  new ApiError('GET /x', status, { reason, details: { causes } });

test.each([
  [said(404, 'NotFound'), 'not found'],
  [said(404, ''), 'nothing of these'],
  [said(409, 'AlreadyExists'), 'exists'],
  [said(409, 'Conflict'), 'conflict'],
  [said(422, 'Invalid', [{ field: 'metadata.uid' }]), 'conflict'],
  [said(422, 'Invalid', [{ field: 'spec.text' }]), 'nothing of these'],
  [said(410, 'Gone'), 'expired'],
  [said(410, ''), 'expired'],
  [said(500, 'Expired'), 'expired'],
  [said(504, 'Timeout', [{ reason: 'ResourceVersionTooLarge' }]), 'expired'],
  [said(504, 'Timeout'), 'nothing of these'],
  [new Error('NotFound'), 'nothing of these'],
])('%s is %s', (error, meaning) => {
  const meanings = {
    'not found': isNotFound(error),
    exists: isAlreadyExists(error),
    conflict: isConflict(error),
    expired: isExpired(error),
  };
  const found = Object.entries(meanings).flatMap(([name, holds]) => (holds ? [name] : []));
  expect(found).toEqual(meaning === 'nothing of these' ? [] : [meaning]);
});

test('how long to wait is what the header says, else what the answer says', () => {
  const details = { retryAfterSeconds: 7 };
  expect(new ApiError('GET /x', 429, { details }, 3_000).retryAfter).toBe(3_000);
  expect(new ApiError('GET /x', 429, { details }).retryAfter).toBe(7_000);
  expect(new ApiError('GET /x', 429, {}).retryAfter).toBeUndefined();
});
