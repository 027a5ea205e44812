// `flowjob autoscale explain` on recorded looks at a job that was overloaded and grew: the text, the decisions before, the picture.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { billed } from '../autoscaler/money.ts';
import type { Sample } from '../autoscaler/model.ts';
import { config, HOUR, MINUTE, SteadyJob } from '../autoscaler/steady-job.fixture.ts';
import { LocalJournals } from '../store/local/local-journals.ts';
import { testCli, type TestCli } from './testing.ts';

let cli: TestCli;
beforeEach(() => (cli = testCli()));
afterEach(() => cli.close());

const NOW = Date.parse('2026-01-31T12:05:00Z');

async function create(autoscaling = '{enabled: true}'): Promise<void> {
  writeFileSync(
    join(cli.directory, 'job.yaml'),
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: orders}
spec: {mode: Streaming, job: {sql: {inline: SELECT 1}}, autoscaling: ${autoscaling}}
`,
  );
  expect((await cli.run('apply -f job.yaml')).code).toBe(0);
}

/** Twenty minutes of looks, the last of them just now, as the operator records them. */
async function record(load: number | ((at: number) => number), name = 'orders'): Promise<SteadyJob> {
  const job = (await cli.store.get('FlowJob', { namespace: 'default', name }))!;
  mkdirSync(join(cli.directory, '.flowjob', 'jobs', name), { recursive: true });
  const journals = new LocalJournals(join(cli.directory, '.flowjob'));
  let sample: Sample | null = null;
  const steady = new SteadyJob({
    start: NOW - 20 * MINUTE,
    parallelism: 2,
    config: config({ prices: { corePerHour: 0.5, gibPerHour: 0.25, currency: 'EUR' } }),
    tamper: (seen) => (sample = seen),
  });
  const cost = billed(null, 1.5, 'EUR', NOW - 2 * HOUR);
  while (steady.now < NOW) {
    steady.run(load, 10_000);
    journals.add(job, { sample, decision: steady.last, withheld: null, cost });
  }
  return steady;
}

/** The cells of the row of a table that begins so. */
const row = (text: string, ...begin: string[]): string[] | undefined =>
  text
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/))
    .find((cells) => begin.every((cell, i) => cells[i] === cell));

test('explain tells the decision, what was seen, how it was reckoned, and what it costs', async () => {
  await create();
  await record(1_200);
  const { code, out, err } = await cli.run('autoscale explain orders');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(
    /^Hold \(Balanced\), 0s ago\n {2}Load and capacity fit: \w+ is busiest, with 60 % of what it can do\.$/m,
  );
  expect(out).toContain('  In that size it costs 3.750 EUR an hour.');
  expect(out).toContain(
    '  The job has cost 3.000 EUR since 2026-01-31 10:05 UTC, and what runs costs 1.500 EUR an hour.',
  );
  expect(out).toMatch(/^Seen of run run, after 1 rescale \(\? is not known\):$/m);
  expect(row(out, 'VERTEX')).toEqual([
    'VERTEX',
    'SUBTASKS',
    'BUSY MS/S',
    'HELD BACK MS/S',
    'IDLE MS/S',
    'RECORDS IN',
    'OUT',
    'WAITING',
  ]);
  expect(row(out, 'source')).toEqual([
    'source',
    '2',
    '600',
    '0',
    '400',
    expect.stringMatching(/^\d+$/),
    expect.any(String),
    '0',
  ]);
  expect(row(out, 'count', '5')?.slice(0, 5)).toEqual(['count', '5', '600', '0', '400']);
  expect(row(out, 'source', 'load')).toEqual(['source', 'load', '1200 read/s + 0/s more that wait', '1200 records/s']);
  expect(row(out, 'count', 'load')).toEqual(['count', 'load', '1200 × 1', '1200 records/s']);
  expect(row(out, 'job', 'load')).toEqual(['job', 'load', 'sum over its sources', '1200 records/s']);
  expect(row(out, 'job', 'lag')).toEqual(['job', 'lag', 'records that wait / load', '0 s']);
  expect(row(out, 'count', 'capacity')?.at(-1)).toMatch(/records\/s$/);
  expect(out).not.toContain('Decisions:');
});

test('explain tells what is passed over, too, and a picture that cannot be written is an error of its own', async () => {
  await create();
  await record(1_200);
  const job = (await cli.store.get('FlowJob', { namespace: 'default', name: 'orders' }))!;
  const held = {
    reason: 'InvalidSchedule',
    message: 'spec.autoscaling.schedules[0].timeZone: "Mars" is no time zone.',
  };
  const autoscaling = { applies: true, reason: 'Measuring', message: '', held };
  await cli.store.updateStatus<'FlowJob'>({ ...job, status: { ...job.status!, autoscaling } });
  const { code, out, err } = await cli.run('autoscale explain orders --svg absent/picture.svg');
  expect(out).toContain(`InvalidSchedule: ${held.message}`);
  expect(code).toBe(1);
  expect(err).toMatch(
    /^error: --svg absent\/picture\.svg: the file cannot be written \(ENOENT.*\); name another one\.$/,
  );
});

test('the history has each decision once, the newest first, with its size and its reason', async () => {
  await create();
  const { acts } = await record(1_200);
  expect(acts).toHaveLength(1);
  const { out } = await cli.run('autoscale explain orders --history');
  const [, decisions] = out.split('\nDecisions:\n');
  const lines = decisions!.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(lines[0]).toEqual(['AGE', 'ACTION', 'REASON', 'TASKMANAGERS', 'PARALLELISM', 'WHY']);
  expect(lines.slice(1).filter(([, action]) => action === 'Rescale')).toEqual([
    [expect.stringMatching(/^\d+m$/), 'Rescale', 'Overloaded', '5', '5', acts[0]!.message],
  ]);
  expect(lines[1]!.slice(1, 3)).toEqual(['Hold', 'Balanced']);
  expect(lines.at(-1)!.slice(1, 3)).toEqual(['Hold', 'Measuring']);
  // Eighteen minutes of looks that came to the same are one line.
  expect(lines.filter(([, , reason]) => reason === 'Balanced').length).toBeLessThanOrEqual(3);
});

test('the picture is XML with a line for load, capacity, backlog, lag and parallelism, each of what was recorded', async () => {
  await create();
  await record(1_200);
  const { out } = await cli.run('autoscale explain orders --svg picture.svg');
  expect(out).toMatch(/picture\.svg shows load, capacity, backlog, lag and parallelism of the last 120 looks\.$/);
  const svg = readFileSync(join(cli.directory, 'picture.svg'), 'utf8');
  expect(elementsOf(svg)[0]).toEqual({ name: 'svg', xmlns: 'http://www.w3.org/2000/svg', width: '860' });
  const lines = elementsOf(svg).filter(({ name }) => name === 'path');
  expect(lines.map((line) => line['class'])).toEqual(['capacity', 'load', 'waiting', 'lag', 'parallelism']);
  const of = (series: string): string => lines.find((line) => line['class'] === series)!['d']!;
  for (const series of ['capacity', 'load', 'waiting', 'lag']) expect(of(series)).toMatch(/(L[\d.]+ [\d.]+){50,}$/);
  // Two subtasks, then five, at the top of their panel: one step up.
  const heights = [...of('parallelism').matchAll(/[MV](?:[\d.]+ )?([\d.]+)/g)].map(([, y]) => Number(y));
  expect([...new Set(heights)]).toHaveLength(2);
  expect(heights[0]! - heights.at(-1)!).toBeCloseTo(130 * (1 - 2 / 5), 1);
  // What waited was worked off: it rose and fell back to nothing.
  const waiting = [...of('waiting').matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
  expect(Math.min(...waiting)).toBeLessThan(waiting[0]!);
  expect(waiting.at(-1)).toBe(Math.max(...waiting));
});

test('what was not known is said to be so, and is a gap in the picture', async () => {
  await create();
  const steady = await record(1_200);
  const journals = new LocalJournals(join(cli.directory, '.flowjob'));
  const job = (await cli.store.get('FlowJob', { namespace: 'default', name: 'orders' }))!;
  const withheld = '3 jobs of namespace default are rescaled at a time: it waits for its turn.';
  steady.tamper = (sample) => ({
    ...sample,
    vertices: sample.vertices.map((vertex) => ({ ...vertex, subtasks: [] })),
  });
  steady.run(1_200, 2 * MINUTE);
  journals.add(job, { sample: steady.tamper(steady.sample()), decision: steady.last, withheld, cost: null });
  const { out } = await cli.run('autoscale explain orders --svg picture.svg');
  expect(out).toMatch(/^Hold \(MetricsUnknown\)/);
  expect(out).toMatch(/^ {2}unknown: busyTimeMsPerSecond of source: .+$/m);
  expect(out).toContain(`\n  ${withheld}\n`);
  expect(out).not.toContain('has cost');
  expect(row(out, 'source')?.slice(0, 5)).toEqual(['source', '2', '?', '?', '?']);
  const lines = elementsOf(readFileSync(join(cli.directory, 'picture.svg'), 'utf8'));
  expect(lines.find((line) => line['class'] === 'capacity')?.['d']).toBe('');
});

test('a job that nobody has looked at, or that is not autoscaled, is told from one of which nothing new is known', async () => {
  await create();
  expect((await cli.run('autoscale explain orders')).err).toMatch(
    /^error: nothing is known of flowjob\/orders yet: no operator runs on .*flowjob local up/,
  );
  await create('{enabled: false}');
  expect(await cli.run('autoscale explain orders')).toMatchObject({
    code: 1,
    err: expect.stringContaining('flowjob/orders is not autoscaled: set spec.autoscaling.enabled to true'),
  });
});

test('a record that another version of the operator left is none', async () => {
  await create();
  await record(100);
  const file = join(cli.directory, '.flowjob', 'jobs', 'orders', 'autoscaling.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"version":2', '"version":1'));
  expect((await cli.run('autoscale explain orders')).err).toContain('nothing is known of flowjob/orders yet');
});

/** Elements in their order with some attributes. Throws where the text is not well-formed: tags that do not match, attributes without quotes, bare `<` or `&`. */
function elementsOf(xml: string): Record<string, string>[] {
  const found: Record<string, string>[] = [];
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)([\w-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_tag, close: string, name: string, attributes: string, alone: string) => {
      if (close === '/') {
        if (open.pop() !== name) throw new Error(`</${name}> ends nothing`);
        return '';
      }
      if (alone === '') open.push(name);
      const wanted = ['class', 'd', 'xmlns', ...(name === 'svg' ? ['width'] : [])];
      const element: Record<string, string> = { name };
      for (const [, key = '', value = ''] of attributes.matchAll(/([\w:-]+)="([^"]*)"/g))
        if (wanted.includes(key)) element[key] = value;
      found.push(element);
      return '';
    },
  );
  if (open.length > 0) throw new Error(`<${open.at(-1)}> has no end`);
  if (/<|&(?!#\d+;)/.test(rest)) throw new Error(`not well-formed: ${rest}`);
  return found;
}
