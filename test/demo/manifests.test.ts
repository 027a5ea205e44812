import { asBatch, atRate, loadExample, toYaml, withMeanDelay } from './manifests.ts';

const stream = loadExample('flights-per-day.yaml', '/out');

test('the upgrade adds one column to the table and to the query, nothing else', () => {
  const sql = withMeanDelay(stream).spec.job.sql.inline;
  expect(sql).toContain('mean_delay DOUBLE');
  expect(sql).toContain('CAST(SUM(delay) AS DOUBLE) / COUNT(delay)');
  expect(sql.split('\n')).toHaveLength(stream.spec.job.sql.inline.split('\n').length);
});

test('the batch run reads the whole file at once and writes elsewhere', () => {
  const batch = asBatch(withMeanDelay(stream), 'check', { from: '/out/per-day', to: '/out/check' });
  expect(batch.spec.mode).toBe('Batch');
  expect(batch.spec.job.sql.inline).not.toContain('replay.rate');
  expect(batch.spec.job.sql.inline).toContain("'path' = '/out/check'");
});

test('the example leaves ten minutes to do something to it; the demo has a pace of its own', () => {
  const rate = (sql: string): number => Number(/'replay\.rate' = '(\d+)'/.exec(sql)![1]);
  expect(3_000_000 / rate(stream.spec.job.sql.inline)).toBeGreaterThanOrEqual(600);
  expect(rate(atRate(stream, 150_000).spec.job.sql.inline)).toBe(150_000);
});

test('an example that lost what the demo changes is an error', () => {
  expect(toYaml(stream)).toContain('replay.rate');
  const batch = asBatch(stream, 'check', { from: '/out', to: '/check' });
  expect(() => asBatch(batch, 'again', { from: '/out', to: '/check' })).toThrow(/no longer contains/);
});
