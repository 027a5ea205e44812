// The operator on one machine: `operator --dir DIR`. Read it top to bottom and you know the program: a lock, a store, a runtime, the loop that joins them.
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { destination, pino } from 'pino';
import { systemClock } from '../engine/clock.ts';
import { Autoscaler } from './controller/autoscaling/autoscaler.ts';
import { Controller } from './controller/controller.ts';
import { lockOperator } from './controller/operator-lock.ts';
import { SqlChecker } from './engine-client/validate-sql.ts';
import { desiredSpec } from './lifecycle/change.ts';
import { endOnUncaught, endSignal } from './program.ts';
import { LocalRuntime } from './runtime/local/local-runtime.ts';
import { LocalJournals } from './store/local/local-journals.ts';
import { LocalLearned } from './store/local/local-learned.ts';
import { LocalRevisions } from './store/local/local-revisions.ts';
import { LocalStore } from './store/local/local-store.ts';

const { values } = parseArgs({ options: { dir: { type: 'string' }, engine: { type: 'string' } } });
if (values.dir === undefined) {
  console.error('operator: --dir is missing: name the folder that holds the jobs, for example --dir .flowjob');
  process.exit(2);
}
const directory = resolve(values.dir);
mkdirSync(directory, { recursive: true });

const lock = lockOperator(directory);
if ('holder' in lock) {
  console.error(
    `operator: process ${lock.holder.pid} already runs jobs from ${directory}; stop it first: flowjob local down`,
  );
  process.exit(3);
}

const logFile = join(directory, 'operator.log');
const log = pino({ base: { pid: process.pid } }, destination({ dest: logFile, sync: true }));
endOnUncaught(log);

// The engine's program stands beside this one, bundled or as source; --engine names another that takes the same command line.
const here = fileURLToPath(import.meta.url);
const ours = here.endsWith('.ts') ? resolve(dirname(here), '../engine/main.ts') : join(dirname(here), 'engine.js');
const engineFile = values.engine === undefined ? ours : resolve(values.engine);

const sql = new SqlChecker(
  () => 'spec.engine.type is Flink, which runs on Kubernetes alone: set it to Embedded on one machine.',
);
const store = new LocalStore({ directory, now: () => new Date() });
const journals = new LocalJournals(directory);
const runtime = new LocalRuntime({ directory, node: process.execPath, engineFile, now: Date.now });
const autoscaler = new Autoscaler({
  jobs: async () => (await store.list('FlowJob')).items,
  runtime,
  clock: systemClock,
  wake: (key) => controller.wake(key),
  record: (job, looked) => journals.add(job, looked),
  learned: new LocalLearned(directory),
  tell: (event) => store.recordEvent(event),
  onTrouble: (err, job) => log.warn({ job: job?.name, err }, 'trouble with autoscaling; it is tried again'),
});
const controller: Controller = new Controller({
  store,
  autoscaler,
  runtime,
  revisions: new LocalRevisions(directory),
  checkSql: (job) => sql.check(job.metadata.uid, job.metadata.name, desiredSpec(job)),
  now: Date.now,
  log,
});

const ending = endSignal(log);
log.info({ directory, engineFile, node: process.version }, 'operator started');
void autoscaler.run(ending);
await controller.run(ending);
await autoscaler.close();
runtime.close();
await store.close();
lock.release();
log.info({}, 'operator ended');
process.exit(0);
