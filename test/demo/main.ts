// `npm run demo`: one FlowJob as a batch and one as a stream over three million flights; the stream is upgraded and its TaskManager killed
// while it runs, and in the end every window that it wrote is compared with a batch run of the same windows.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LocalStore } from '../../src/store/local/local-store.ts';
import { Cli, condition, engineProcesses, eventually } from '../harness/cli.ts';
import { jobMetrics } from '../harness/engine-rest.ts';
import { compareRows, isEqual, type Comparison } from './compare.ts';
import { atRate, asBatch, loadExample, toYaml, withMeanDelay, type DemoManifest } from './manifests.ts';
import { Observer } from './observe.ts';
import { partFiles, readCsvRows, readJsonRows } from './results.ts';
import { formatCount, LiveTable } from './table.ts';
import { tellComparison } from './tell.ts';

const keep = process.argv.includes('--keep');
const home = resolve('.flowjob', 'demo');
const out = join('.flowjob', 'demo', 'out');
const cli = new Cli(home);
const table = new LiveTable(process.stdout);
const started = performance.now();

/** Ctrl-C, or the end of the terminal. The operator and its jobs are no children of ours: nobody else stops them. */
const interrupt = new AbortController();
const interrupted = new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
// A terminal that is gone is no reason to leave processes behind.
process.stdout.on('error', () => interrupt.abort());
/** All is shown; what still runs does so until Ctrl-C. */
let complete = false;

const say = (text: string): void =>
  table.note(`[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`);

async function apply(manifest: DemoManifest, file: string): Promise<void> {
  const path = join(home, file);
  writeFileSync(path, toYaml(manifest));
  await cli.must('apply', '-f', path);
}

async function ready(store: LocalStore, name: string, type: string, seconds: number): Promise<void> {
  await eventually(`${name} to be ${type}`, seconds, async () => {
    const job = await store.get('FlowJob', { namespace: 'default', name });
    if (job === null) return false;
    if (condition(job, 'Stalled') === 'True')
      throw new Error(`${name} is stalled: ${JSON.stringify(job.status?.conditions)}`);
    return job.status?.observedGeneration === job.metadata.generation && condition(job, type) === 'True';
  });
}

async function batch(store: LocalStore): Promise<void> {
  say('1. A batch: count, mean delay and distance of 3,000,000 flights, per origin and per route.');
  const manifest = loadExample('flights-by-origin.yaml', out);
  await apply(manifest, 'flights-by-origin.yaml');
  await ready(store, 'flights-by-origin', 'Complete', 60);
  const job = await store.get('FlowJob', { namespace: 'default', name: 'flights-by-origin' });
  const summary = job?.status?.batch;
  const routes = readCsvRows(join(out, 'by-route'), ['origin', 'destination', 'flights', 'mean_delay', 'distance']);
  const busiest = routes.sort((a, b) => Number(b['flights']) - Number(a['flights'])).slice(0, 3);
  say(
    `   Complete: ${formatCount(summary?.rowsIn ?? 0)} rows read in ${((summary?.durationMs ?? 0) / 1000).toFixed(1)} s, ` +
      `${summary?.rowsOut ?? 0} rows written to ${partFiles(join(out, 'by-origin')).length + partFiles(join(out, 'by-route')).length} files.`,
  );
  for (const route of busiest)
    say(
      `   ${route['origin']} to ${route['destination']}: ${route['flights']} flights, ${Number(route['mean_delay']).toFixed(1)} minutes late on average`,
    );
}

/** Windows that were committed, in order of their files. */
const windows = (): number => readJsonRows(join(out, 'per-day')).length;

async function stream(store: LocalStore): Promise<{ upgraded: DemoManifest; kills: number }> {
  say('2. A stream: the same flights in time order, summed up per origin and day, exactly once.');
  const first = atRate(loadExample('flights-per-day.yaml', out), 150_000);
  await apply(first, 'flights-per-day.yaml');
  await ready(store, 'flights-per-day', 'Ready', 30);
  await eventually('the first windows', 30, () => windows() > 0);

  const before = windows();
  say(`3. ${before} windows are out. Its SQL gains a column: the mean beside count and total.`);
  const upgraded = withMeanDelay(first);
  await apply(upgraded, 'flights-per-day-v2.yaml');
  await ready(store, 'flights-per-day', 'Ready', 30);
  const job = await store.get('FlowJob', { namespace: 'default', name: 'flights-per-day' });
  say(`   Stopped with ${savepointName(job?.status?.lastSavepoint?.path)}, and the new version runs from it.`);
  await eventually('windows with the new column', 30, () =>
    readJsonRows(join(out, 'per-day')).some((row) => 'mean_delay' in row),
  );

  const victim = engineProcesses(home).find(
    (process) =>
      process.role === 'taskmanager' && process.args.some((arg) => arg.split('/').includes('flights-per-day')),
  );
  if (victim === undefined) throw new Error('no TaskManager of flights-per-day to kill');
  say(`4. SIGKILL for TaskManager process ${victim.pid}.`);
  process.kill(victim.pid, 'SIGKILL');
  await eventually('the engine to notice and go on from the last checkpoint', 30, async () => {
    const metrics = await jobMetrics(home, 'flights-per-day');
    return metrics !== null && metrics.restarts > 0 && metrics.state === 'RUNNING';
  });
  say('   The job runs again, from its last checkpoint, in a new process.');
  await ready(store, 'flights-per-day', 'Complete', 120);
  return { upgraded, kills: 1 };
}

const savepointName = (path: string | undefined): string =>
  path === undefined ? 'a savepoint' : (path.split('/').pop() ?? path);

async function compare(store: LocalStore, upgraded: DemoManifest): Promise<Comparison> {
  say('5. The same windows as a batch, and every row of the stream held against them.');
  const check = asBatch(upgraded, 'flights-per-day-check', { from: join(out, 'per-day'), to: join(out, 'check') });
  await apply(check, 'flights-per-day-check.yaml');
  await ready(store, 'flights-per-day-check', 'Complete', 60);
  return compareRows(readJsonRows(join(out, 'check')), readJsonRows(join(out, 'per-day')), ['window_start', 'origin']);
}

function tell(comparison: Comparison): boolean {
  for (const line of tellComparison(comparison)) say(line);
  return isEqual(comparison);
}

async function keepRunning(store: LocalStore): Promise<void> {
  const live = loadExample('flights-per-day.yaml', join(out, 'live'));
  const slow = live.spec.job.sql.inline.replace(
    /'replay\.rate' = '\d+'/,
    "'replay.rate' = '2000', 'replay.on-end' = 'wait'",
  );
  await apply(
    { ...live, metadata: { name: 'flights-live' }, spec: { ...live.spec, job: { sql: { inline: slow } } } },
    'flights-live.yaml',
  );
  await ready(store, 'flights-live', 'Ready', 30);
  say('flights-live runs until Ctrl-C. Beside it, in another terminal:');
  hints();
  complete = true;
  await interrupted;
}

function hints(): void {
  const command = `npm run -s flowjob --`;
  const dir = keep ? ' --dir .flowjob/demo' : '';
  table.note(`  ${command} ${keep ? '' : 'local up, then: '}${command} get${dir}`);
  table.note(
    `  ${command} apply -f examples/flights-by-origin.yaml${dir}   a FlowJob of your own starts from this file`,
  );
  table.note('  docs/tutorials/first-flowjob.md                       the same, step by step');
}

async function main(): Promise<boolean> {
  await cli.run('local', 'down');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  await cli.must('local', 'up');
  const store = new LocalStore({ directory: home, now: () => new Date() });
  const observer = new Observer(store, (name) => jobMetrics(home, name));
  let drawing = true;
  const draw = (async () => {
    while (drawing && (complete || !interrupt.signal.aborted)) {
      table.update(await observer.lines());
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  })();
  try {
    await batch(store);
    const { upgraded } = await stream(store);
    const equal = tell(await compare(store, upgraded));
    if (keep) await keepRunning(store);
    return equal;
  } finally {
    drawing = false;
    await draw;
    table.end();
    await store.close();
    await cli.must('local', 'down');
  }
}

/** Ends the process when the demo is cut short; the command that was under way may have failed of it. */
async function stopWhenInterrupted(): Promise<never> {
  await interrupted;
  // With --keep that is how it ends, and `main` clears up.
  if (complete) return new Promise(() => undefined);
  say('Interrupted: the operator and its jobs are stopped.');
  await cli.run('local', 'down');
  process.exit(130);
}

const cutShort = stopWhenInterrupted();
const equal = await main().catch((error: unknown) => {
  if (interrupt.signal.aborted && !complete) return cutShort;
  throw error;
});
const left = engineProcesses(home);
if (left.length > 0)
  say(`processes were left behind: ${left.map((process) => `${process.role} ${process.pid}`).join(', ')}`);
if (!keep) {
  say('Done. What next:');
  hints();
}
process.exit(equal && left.length === 0 ? 0 : 1);
