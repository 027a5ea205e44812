// Puts on record in test/fixtures/flink-VERSION what each version before 2.3 answers where that differs from 2.3, or may: of a program that fails before its job, of
// submissions, and what it writes of how a run of high availability ended. With the operator's own command lines and configuration.
// Run: node test/flink/record-versions.ts [VERSION...]; a minute and a half for each. Needs what test/flink/tools.ts says.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FlinkVersion } from '../../src/api/engine.ts';
import { resolveSpec } from '../../src/api/resolved.ts';
import type { FlowJobSpec } from '../../src/api/flowjob.ts';
import type { Attempt } from '../../src/api/status.ts';
import { highAvailabilityConfig, resultsOf } from '../../src/engine-client/flink/high-availability.ts';
import { planRequest, submissionRequest, type Submission } from '../../src/engine-client/flink/submission.ts';
import { VERSIONS } from '../../src/engine-client/flink/versions.ts';
import { until } from '../harness/until.ts';
import { freePorts } from '../kubernetes/ports.ts';
import { ensureExample, ensureFlink } from './distribution.ts';
import { JvmRuntime } from './jvm-runtime.ts';
import { endWithStarter } from './session-cluster.ts';

const key = { namespace: 'default', name: 'orders' };
const BEFORE_2_3 = ['1.20', '2.0', '2.1', '2.2'] as const;
type Recorded = (typeof BEFORE_2_3)[number];
const PATIENCE = { seconds: 120, every: 200 };
const GOOD = `CREATE TABLE n (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE seen (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO seen SELECT n FROM n;`;
const ENDS = GOOD.replace("'10'", "'10', 'number-of-rows' = '1'");
const FAILS = ENDS.replace('SELECT n', `SELECT CAST('no number' AS BIGINT) + n`);
const INVALID = GOOD.replace('FROM n;', 'FROM nowhere;');

interface Recorder {
  version: Recorded;
  work: string;
  runtime: JvmRuntime;
  write: (file: string, text: string) => void;
  /** Of the Java program of 1.20. */
  jar: string;
}

const jobIdOf = (epoch: number): string => epoch.toString(16).padStart(32, '0');

/** Returns the address of its REST API. */
async function start(
  { version, runtime, jar }: Recorder,
  epoch: number,
  program: { sql: string; args: string[] },
  more: { session?: true; config?: Record<string, string> } = {},
): Promise<string> {
  const spec = resolveSpec({
    mode: more.session === true ? 'Streaming' : 'Batch',
    engine: { type: 'Flink', version, ...(more.config === undefined ? {} : { config: more.config }) },
    job: version === '1.20' ? { jar: { uri: jar, args: program.args } } : { sql: { inline: program.sql } },
    state: { checkpoint: { interval: '1s' } },
    taskManager: { replicas: 1, slots: 1, resources: { limits: { memory: '1Gi' } } },
    jobManager: { resources: { limits: { memory: '1Gi' } } },
    upgrade: {},
  } as unknown as FlowJobSpec);
  const attempt = { epoch, jobId: jobIdOf(epoch), session: more.session } as Attempt;
  await runtime.ensureProcesses({ key, uid: '', attempt, spec }, []);
  const { url } = (await runtime.connection(key, attempt))!;
  await until('REST answers', async () => (await fetch(`${url}/taskmanagers`)).ok, PATIENCE);
  return url;
}

/** The status stands in the file's name. */
async function record(recorder: Recorder, file: string, url: string, body?: object): Promise<void> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
  const status = response.status === 200 ? '' : `_${response.status}`;
  recorder.write(`${file}${status}.json`, await response.text());
}

async function programThatFails(recorder: Recorder): Promise<void> {
  const url = await start(recorder, 1, { sql: INVALID, args: ['--execution-mode', 'NEITHER'] });
  const overview = async (): Promise<string> => (await fetch(`${url}/jobs/overview`)).text();
  await until('the program has failed', async () => (await overview()).includes('FAILED'), PATIENCE);
  await record(recorder, 'driver_failed_jobs_overview', `${url}/jobs/overview`);
  await record(recorder, 'driver_failed_jobs', `${url}/jobs`);
  await record(recorder, 'driver_failed_job_exceptions', `${url}/jobs/${jobIdOf(1)}/exceptions`);
  recorder.runtime.stopProcesses(key, 1);
}

async function submissions(recorder: Recorder): Promise<void> {
  const url = await start(recorder, 2, { sql: GOOD, args: [] }, { session: true });
  const submission = (id: number, script: string, more: Partial<Submission> = {}): Submission => ({
    ...recorder.runtime.ahead.submission({
      key,
      uid: '',
      attempt: { epoch: 2, jobId: jobIdOf(id) } as Attempt,
      spec: { job: { parallelism: 1 } } as never,
    }),
    programArgs: ['--script', script],
    ...more,
  });
  const ask = async (file: string, { path, body }: { path: string; body: object }): Promise<void> =>
    record(recorder, `submission/${file}`, url + path, body);
  await ask('plan_invalid_sql', planRequest(submission(11, INVALID)));
  await ask('invalid_sql', submissionRequest(submission(12, INVALID)));
  await ask('no_job', submissionRequest(submission(13, 'SHOW TABLES;')));
  await ask('no_savepoint', submissionRequest(submission(14, GOOD, { restoreFrom: 'file:/nowhere' })));
  const good = submissionRequest(submission(15, GOOD));
  await ask('submitted', good);
  const status = async (): Promise<string> => (await fetch(`${url}/jobs/${jobIdOf(15)}/status`)).text();
  await until('it runs', async () => (await status()).includes('RUNNING'), PATIENCE);
  await ask('same_id_running', good);
  await fetch(`${url}/jobs/${jobIdOf(15)}?mode=cancel`, { method: 'PATCH' });
  await until('it is cancelled', async () => (await status()).includes('CANCELED'), PATIENCE);
  await ask('same_id_ended', good);
  recorder.runtime.stopProcesses(key, 2);
}

/** With ZooKeeper, which Flink's distribution has, in the place of Kubernetes: who leads stands elsewhere, how it ended in the same file. */
async function results(recorder: Recorder, home: string): Promise<void> {
  const { work } = recorder;
  const [port] = (await freePorts(1)) as [number];
  const conf = join(work, 'zoo.cfg');
  writeFileSync(conf, `dataDir=${work}/zookeeper\nclientPort=${port}\nadmin.enableServer=false\n`);
  const peer = [
    'java',
    '-cp',
    `${home}/lib/*`,
    'org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer',
    ...['--zkConfigFile', conf, '--peerId', '1'],
  ];
  const [program, ...args] = [...endWithStarter(), ...peer];
  const zookeeper = spawn(program!, args, { stdio: 'ignore' });
  try {
    for (const [epoch, name, sql, input] of [
      [3, 'finished', ENDS, '(1,50,0.0,1424951918630)\n'],
      [4, 'failed', FAILS, 'no car\n'],
    ] as const) {
      const file = join(work, `${name}.txt`);
      writeFileSync(file, input);
      const own = highAvailabilityConfig(
        { job: key.name, namespace: key.namespace, jobId: jobIdOf(epoch) },
        `file://${work}/state`,
        VERSIONS[recorder.version],
      );
      const config = {
        ...own,
        'high-availability.type': 'zookeeper',
        'high-availability.zookeeper.quorum': `127.0.0.1:${port}`,
        'restart-strategy.type': 'none',
      };
      await start(recorder, epoch, { sql, args: ['--input', file, '--execution-mode', 'BATCH'] }, { config });
      const result = join(resultsOf(`${work}/state`, jobIdOf(epoch)), `${jobIdOf(epoch)}.json`);
      const text = await until('its result is written', () => readFileSync(result, 'utf8'), PATIENCE);
      recorder.write(`result_${name}.json`, text);
      recorder.runtime.stopProcesses(key, epoch);
    }
  } finally {
    zookeeper.kill('SIGKILL');
  }
}

async function recordVersion(version: Recorded): Promise<void> {
  const home = await ensureFlink(console.log, version);
  const work = mkdtempSync(join(tmpdir(), 'flowjob-record-'));
  const fixtures = resolve(import.meta.dirname, `../fixtures/flink-${version}`);
  const homes: Partial<Record<FlinkVersion, string>> = { [version]: home };
  const recorder: Recorder = {
    version,
    work,
    runtime: new JvmRuntime(homes, work),
    jar: version === '1.20' ? await ensureExample(console.log, '1.20') : '',
    write: (file, text) => {
      mkdirSync(join(fixtures, file, '..'), { recursive: true });
      writeFileSync(join(fixtures, file), text.replaceAll(work, '/flowjob'));
      console.log(`${version}: ${file}`);
    },
  };
  try {
    await programThatFails(recorder);
    if (version !== '1.20') await submissions(recorder);
    await results(recorder, home);
  } finally {
    recorder.runtime.close();
    rmSync(work, { recursive: true, force: true });
  }
}

const asked = process.argv.slice(2);
for (const version of BEFORE_2_3) if (asked.length === 0 || asked.includes(version)) await recordVersion(version);
