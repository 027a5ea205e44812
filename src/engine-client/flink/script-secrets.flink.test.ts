// SQL with Secrets in it, run by the JobManager of Apache Flink as the operator starts it: whoever reads its log or asks its REST API is not told the values.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ensureFlink } from '../../../test/flink/distribution.ts';
import { endWithStarter } from '../../../test/flink/session-cluster.ts';
import { until } from '../../../test/harness/until.ts';
import { freePorts } from '../../../test/kubernetes/ports.ts';
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { FLINK_ENVIRONMENT, jobManagerCommand, LOG_CONFIG, LOG_PROPERTIES } from './command.ts';
import { flinkConfig } from './config.ts';
import { withSecrets } from './script-secrets.ts';

const jobId = 'a'.repeat(32);
const ADDRESS = '127.0.0.1';
/** With what separates and ends strings and statements in SQL. */
const CANARY = "c4nary';\n/7f3e+b0==";
const sql = `
CREATE TABLE bid (bidder INT) WITH ('connector' = 'datagen', 'rows-per-second' = '\${secret:db:rate}');
CREATE TABLE snk (bidder INT) WITH ('connector' = 'print', 'print-identifier' = '\${secret:db:password}');
INSERT INTO snk SELECT bidder FROM bid;`;

let work: string;
let child: ChildProcess;
let printed = '';
let rest: string;

beforeAll(async () => {
  const home = await ensureFlink(console.log);
  work = mkdtempSync(join(tmpdir(), 'flowjob-secrets-flink-'));
  const folders = { config: join(work, 'conf'), temporary: join(work, 'tmp') };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: { mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job: { sql: { inline: sql } } },
  }) as FlowJob;
  const spec = resolveSpec(job.spec);
  const script = join(work, 'job.sql');
  writeFileSync(
    script,
    withSecrets(sql, ({ key }) => (key === 'rate' ? '100' : CANARY)),
    { mode: 0o400 },
  );
  const [port, rpc] = (await freePorts(2)) as [number, number];
  rest = `http://${ADDRESS}:${port}`;
  const config = {
    ...flinkConfig('orders', spec, { state: `file://${work}/state`, temporary: folders.temporary }),
    ...{ 'rest.port': port, 'jobmanager.rpc.port': rpc, 'blob.server.port': 0 },
  };
  writeFileSync(join(folders.config, 'config.yaml'), stringify(config, { lineWidth: 0 }));
  writeFileSync(join(folders.config, LOG_CONFIG), LOG_PROPERTIES);
  const attempt = {
    ...{ jobId, files: { script, jar: '' }, silent: true },
    ...{ restoreFrom: undefined, allowNonRestoredState: undefined },
  };
  const own = (text: string): string => text.replaceAll('/opt/flink', home);
  const [program, ...args] = [...endWithStarter(), ...jobManagerCommand(spec, attempt, folders, ADDRESS)].map(own);
  const env = Object.fromEntries(Object.entries(FLINK_ENVIRONMENT).map(([name, value]) => [name, own(value)]));
  child = spawn(program!, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (data: Buffer) => (printed += data.toString('utf8')));
}, 300_000);

afterAll(async () => {
  if (child !== undefined && child.exitCode === null) {
    const gone = new Promise((ended) => child.once('exit', ended));
    child.kill('SIGKILL');
    await gone;
  }
  if (work !== undefined) rmSync(work, { recursive: true });
});

async function answer(path: string): Promise<string> {
  const response = await fetch(rest + path);
  if (!response.ok) throw new Error(`${path} is answered with HTTP ${response.status}`);
  return response.text();
}

// Flink makes no job of a rate that is no number, as the reference to one is.
test('the job is made from the values, and neither its log nor any answer holds them', async () => {
  await until(
    'Flink has the job',
    async () => (await answer('/jobs/overview').catch(() => '')).includes(jobId) || null,
    { seconds: 200, explain: () => printed.slice(-3000) },
  );
  await until('the script is through', async () => printed.includes(`Job ${jobId} is submitted`) || null, {
    seconds: 60,
  });
  const job = `/jobs/${jobId}`;
  const paths = [
    ...['', '/plan', '/config', '/exceptions', '/checkpoints', '/jobmanager/config'].map((path) => job + path),
    ...['/jobmanager/config', '/jobmanager/environment', '/applications/overview'],
  ];
  // What is looked for is what Flink was given.
  expect(readFileSync(join(work, 'job.sql'), 'utf8')).toContain('c4nary');
  // Of checkpoints it can tell once the job is initialized.
  const answers = await until('each is answered', async () => Promise.all(paths.map(answer)), { seconds: 60 });
  const told = [printed, ...answers];
  expect(told[1]).toContain(jobId);
  for (const text of told) expect(text).not.toContain('c4nary');
  expect(printed).not.toContain('Flink SQL>');
}, 300_000);
