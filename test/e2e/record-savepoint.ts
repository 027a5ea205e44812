// Records the fixtures of a savepoint format version with the engine as it is: `node test/e2e/record-savepoint.ts v2 /data/flowjob`. Run once per
// version, before the format changes again. The second argument is a folder that goes into the recording as the path of input and output.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EngineCluster } from './engine-cluster.ts';

const JOB = '0000000000000000000000000000000a';
const FIXTURES = 'test/fixtures/savepoints';

const [version, place] = process.argv.slice(2);
if (version === undefined || place === undefined) throw new Error('name the version and a folder for input and output');
const target = join(FIXTURES, version);
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const input = join(place, 'input');
const output = join(place, 'output');

function job(rate: number): string {
  const text = readFileSync(join(FIXTURES, 'job.sql'), 'utf8');
  return text.replaceAll('{{input}}', input).replaceAll('{{output}}', output).replaceAll('{{rate}}', String(rate));
}

/** Runs the job for a while; `end` gets it when there are a few checkpoints. */
async function record(config: Record<string, string>, end: (cluster: EngineCluster) => Promise<void>): Promise<void> {
  rmSync(place!, { recursive: true, force: true });
  mkdirSync(input, { recursive: true });
  cpSync(join(FIXTURES, 'orders.csv'), join(input, 'orders.csv'));
  const cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 2,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '500ms',
    'flowjob.state.dir': join(place!, 'state'),
    ...config,
  });
  try {
    cluster.startTaskManager('tm-0');
    cluster.startJobManager(1, JOB, job(300));
    await cluster.until('3 checkpoints', async () => {
      const found = (await cluster.status(JOB)) === 'RUNNING' ? await cluster.completedCheckpoints(JOB) : 0;
      return found >= 3;
    });
    // Then what is committed with the next checkpoint is part of the recording.
    await cluster.until('a file in progress', async () => readdirSync(output).some((name) => name.startsWith('.')));
    await end(cluster);
  } finally {
    await cluster.stop();
    rmSync(place!, { recursive: true, force: true });
  }
}

/** A job stopped with a savepoint, and what it had written by then. */
await record({}, async (cluster) => {
  const triggerId = 'f'.repeat(32);
  await cluster.send('POST', `/jobs/${JOB}/stop`, { triggerId, drain: false });
  await cluster.until('FINISHED', async () => (await cluster.status(JOB)) === 'FINISHED');
  const { operation } = await cluster.get<{ operation: { location: string } }>(`/jobs/${JOB}/savepoints/${triggerId}`);
  cpSync(operation.location, join(target, 'savepoint'), { recursive: true });
  cpSync(output, join(target, 'output'), { recursive: true });
});

/** The state folder of a job whose processes were killed, with what its sinks had written. */
await record({}, async (cluster) => {
  await cluster.stop();
  cpSync(join(place, 'state'), join(target, 'killed', 'state'), { recursive: true });
  cpSync(output, join(target, 'killed', 'output'), { recursive: true });
  // What was half removed when the processes were killed is of no use. Checkpoints have no manifest in the folder that they share.
  const checkpoints = join(target, 'killed', 'state', 'checkpoints', JOB);
  for (const name of readdirSync(checkpoints))
    if (name !== 'shared' && !existsSync(join(checkpoints, name, '_metadata')))
      rmSync(join(checkpoints, name), { recursive: true });
});
