import { formatCount, renderTable, type JobLine } from './table.ts';

const line: JobLine = {
  job: 'flights-per-day',
  mode: 'Streaming',
  state: 'Running',
  rate: 150_432,
  parallelism: 2,
  checkpointAge: 834,
  lastEvent: 'Upgraded: from savepoint-ab12',
};

test('the table has a line per job under its header and keeps to the width of the terminal', () => {
  const table = renderTable([line, { ...line, rate: null, checkpointAge: null, parallelism: null }], 100);
  expect(table).toHaveLength(3);
  expect(table[1]).toMatch(/flights-per-day +Streaming +Running +150k\/s +2 +0\.8 s ago +Upgraded/);
  expect(table[2]).toMatch(/Running +- +- +- +Upgraded/);
  expect(Math.max(...table.map((row) => row.length))).toBeLessThanOrEqual(100);
});

test('counts are short', () => {
  expect([formatCount(12), formatCount(9_800), formatCount(3_000_000)]).toEqual(['12', '10k', '3.00M']);
});
