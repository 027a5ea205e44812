// Flink's own web UI on jobs of the embedded engine, in a real browser: what a person sees there, and that every question of the UI is answered.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { until } from '../harness/until.ts';
import { launchBrowser } from './browser.ts';
import { ensureFlink } from './distribution.ts';
import { BIDS, TOKEN, withEmbeddedJobs, type EmbeddedJob } from './embedded-job.ts';
import { serveWebUi, unpackWebUi, type WebUi } from './web-ui.ts';

/** None of its rows can be cast. */
const FAILING = `
SET 'restart-strategy.type' = 'none';
CREATE TABLE n (id BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '10', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '1000000'
);
CREATE TABLE snk (id INT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT CAST('x' || CAST(id AS STRING) AS INT) FROM n;
`;
const PATIENCE = { seconds: 60 };

const jobs = withEmbeddedJobs();
const work = mkdtempSync(join(tmpdir(), 'flowjob-web-ui-'));
let files: string;
let browser: Browser;
let job: EmbeddedJob;
let ui: WebUi;
let page: Page;
/** Whatever the browser complains of. */
let complaints: string[];

beforeAll(async () => {
  const home = await ensureFlink(console.log);
  job = jobs.start(BIDS);
  [files, browser] = await Promise.all([unpackWebUi(home, work), launchBrowser(console.log), job.runs()]);
});
afterAll(async () => {
  await browser?.close();
  rmSync(work, { recursive: true });
});

async function open(of: EmbeddedJob): Promise<void> {
  ui = await serveWebUi(files, of.url, TOKEN);
  page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
  page.setDefaultTimeout(60_000);
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
}
afterEach(async () => {
  await page.close();
  ui.close();
  expect({ complaints, refused: ui.refused }).toEqual({ complaints: [], refused: [] });
});

/** Waits until the page shows all of it, spaces and line breaks aside. */
async function shows(...wanted: (string | RegExp)[]): Promise<void> {
  const dense = (text: string): string => text.replace(/\s+/g, '');
  let text = '';
  const look = async (): Promise<boolean> => {
    text = await page.locator('body').innerText();
    return wanted.every((part) =>
      typeof part === 'string' ? dense(text).includes(dense(part)) : part.test(dense(text)),
    );
  };
  await until(`the page shows ${wanted.join(', ')}`, look, { ...PATIENCE, explain: () => `it shows: ${text}` });
}
const goTo = async (path: string): Promise<unknown> => page.goto(`${ui.url}/#${path}`);
const ofJob = (path: string): string => `/job/running/${job.id}/${path}`;

describe('of a stream that runs', () => {
  beforeEach(async () => open(job));

  test('the overview counts slots, and lists what runs', async () => {
    await goTo('/overview');
    await shows('Available Task Slots 0 Total Task Slots 2 Task Managers 1', 'Version: 2.3.0');
    await shows(/RunningApplicationList.*bidsperbidder.*RUNNINGCompletedApplicationList/);
  });

  test('from the overview it is two clicks to the graph of the job, with names and parallelism', async () => {
    await goTo('/overview');
    await page.getByText('bids per bidder').click();
    // The heading of the page that comes says the same, and is there before the list.
    await shows('Running Job List');
    await page.locator('tr').getByText('bids per bidder').click();
    await shows(`Job ID ${job.id}`, 'Job State RUNNING 2', 'Source: bid[1] Parallelism: 2', 'HASH');
    await shows('GroupAggregate[3] -> snk[4]: Writer Parallelism: 2');
  });

  test('checkpoints are counted, and the newest is told with the part of each vertex and subtask', async () => {
    await goTo(ofJob('checkpoints'));
    const { latest } = await job.client.checkpoints(job.id);
    await shows(
      /Completed:[1-9]\d*Failed:0Restored:0/,
      /LatestCompletedCheckpointID:\d+/,
      'LatestFailedCheckpointNone',
    );
    await shows(`${latest.completed!.external_path!.replace(/chk-\d+$/, '')}chk-`);
    await shows(/Source:bid\[1\]2\/2\(100%\)/, /Writer2\/2\(100%\)/);
    await page.locator('tr:has-text("Source: bid[1]") button').first().click();
    await shows('End to End Duration', 'Sync Duration', 'Minimum', 'Maximum');
  });

  // JOB, SOURCE and WRITER stand for ids. Each in a page of its own: before any JobManager, the UI's script stumbles when one leaves a page at once.
  test.each<[path: string, question: string, ...shown: string[]]>([
    ['/job/running/JOB/overview/SOURCE/subtasks', '/vertices/SOURCE', 'Aggregated Metrics', '127.0.0.1:'],
    ['/job/running/JOB/overview/WRITER/taskmanagers', '/vertices/WRITER/taskmanagers', '127.0.0.1:'],
    ['/job/running/JOB/overview/WRITER/watermarks', '/watermarks', 'No Watermark'],
    ['/job/running/JOB/overview/WRITER/backpressure', '/backpressure'],
    ['/job/running/JOB/overview/WRITER/accumulators', '/subtasks/accumulators'],
    ['/job/running/JOB/overview/WRITER/metrics', '/vertices/WRITER/metrics'],
    ['/job/running/JOB/overview/WRITER/flamegraph', '/flamegraph'],
    ['/job/running/JOB/configuration', '/jobs/JOB/config'],
    ['/job/running/JOB/rescales', '/rescales/summary'],
    ['/task-manager', '/taskmanagers', 'taskmanager-0'],
    ['/task-manager/taskmanager-0/metrics', '/taskmanagers/taskmanager-0/metrics'],
    ['/task-manager/taskmanager-0/logs', '/taskmanagers/taskmanager-0/log', 'flowjob logs NAME'],
    ['/job-manager/metrics', '/jobmanager/metrics'],
    ['/job-manager/config', '/jobmanager/environment'],
    ['/job-manager/logs', '/jobmanager/log', 'flowjob logs NAME'],
    ['/job-manager/stdout', '/jobmanager/stdout', 'flowjob logs NAME'],
  ])('the page %s is answered what it asks', async (path, question, ...shown) => {
    const [source, writer] = (await job.client.jobDetails(job.id)).vertices;
    const withIds = (text: string): string =>
      text.replace('JOB', job.id).replace('SOURCE', source!.id).replace('WRITER', writer!.id);
    const answered = page.waitForResponse((response) => response.url().includes(withIds(question)));
    await goTo(withIds(path));
    await answered;
    await shows(...shown);
  });

  test('there are no exceptions', async () => {
    await goTo(ofJob('exceptions'));
    await shows('Root Exception', 'No Root Exception');
  });
});

test('of a job that failed, the reason is shown', async () => {
  const failed = jobs.start(FAILING);
  await failed.reaches('FAILED');
  await open(failed);
  await goTo(`/job/completed/${failed.id}/exceptions`);
  await shows('Job State FAILED', 'Root Exception', "CAST_FAILED: cannot cast 'x", 'TRY_CAST gives NULL');
});

test('Cancel Job cancels the job', async () => {
  await open(job);
  await goTo(ofJob('overview'));
  await page.getByText('Cancel Job').click();
  await page.getByRole('button', { name: 'Yes' }).click();
  await shows('Job State CANCELED');
  expect(await job.status()).toBe('CANCELED');
});
