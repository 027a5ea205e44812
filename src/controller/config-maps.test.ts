import type { FlowJob } from '../api/flowjob.ts';
import { sqlOf, type ConfigMaps } from './config-maps.ts';
import { Readers } from './readers.ts';

const job = (sql: object, name = 'orders') =>
  ({ metadata: { namespace: 'shop', name }, spec: { job: { sql } } }) as unknown as FlowJob;
const reference = { configMapKeyRef: { name: 'orders-sql', key: 'job.sql' } };
const holding = (data: Record<string, string> | null): ConfigMaps => ({
  read: async ({ namespace, name }) => (namespace === 'shop' && name === 'orders-sql' ? data : null),
  onChange: () => undefined,
});

test('a text that stands inline is looked for nowhere', async () => {
  expect(await sqlOf(job({ inline: 'SELECT 1' }), undefined)).toBeNull();
});

test('the text is that under the key', async () => {
  expect(await sqlOf(job(reference), holding({ 'job.sql': 'SELECT 1', other: 'x' }))).toEqual({ text: 'SELECT 1' });
});

test.each([
  [
    'no ConfigMap',
    null,
    /spec\.job\.sql\.configMapKeyRef\.name: there is no ConfigMap "orders-sql" in namespace "shop"\. Create it/,
  ],
  [
    'no such key',
    { b: '', a: '' },
    /configMapKeyRef\.key: ConfigMap "orders-sql" has no key "job\.sql"; it has the keys "a", "b"\. Add/,
  ],
  ['no data', {}, /it has no keys\. Add/],
  ['a text that is too long', { 'job.sql': 'x'.repeat(262_145) }, /has 262145 characters, and 262144 are the most/],
])('%s is told with field and remedy', async (_, data, message) => {
  expect(await sqlOf(job(reference), holding(data as Record<string, string> | null))).toEqual({
    missing: expect.stringMatching(message),
  });
});

test('a change wakes the jobs that read it now, and no others', () => {
  const readers = new Readers();
  const at = (name: string) => readers.of({ namespace: 'shop', name }).map((reader) => reader.name);
  readers.note(job(reference), false);
  readers.note(job(reference, 'second'), false);
  readers.note(job({ inline: 'SELECT 1' }, 'third'), false);
  expect(at('orders-sql')).toEqual(['orders', 'second']);
  readers.note(job({ configMapKeyRef: { name: 'other', key: 'k' } }), false);
  expect([at('orders-sql'), at('other')]).toEqual([['second'], ['orders']]);
  readers.note(job({ configMapKeyRef: { name: 'other', key: 'k' } }), true);
  expect(at('other')).toEqual([]);
  expect(readers.of({ namespace: 'elsewhere', name: 'orders-sql' })).toEqual([]);
});
