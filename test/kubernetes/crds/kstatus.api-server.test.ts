// Every situation of a FlowJob, judged by the real kstatus. How a job is described comes from the lifecycle in its simulated world, which reaches all of them;
// the objects are a real API server's, which checks what is written and puts in its defaults.
import type { FlowJobSpec } from '../../../src/api/flowjob.ts';
import { troubledConditions } from '../../../src/lifecycle/conditions.ts';
import { World } from '../../../src/lifecycle/simulated-world.fixture.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { kubernetesCache } from '../binaries.ts';
import { run } from '../command.ts';
import { RESOURCES } from '../../../src/store/kubernetes/resources.ts';
import { startApiWithCrds, type ApiWithCrds } from './crds-fixture.ts';

let api: ApiWithCrds;

beforeAll(async () => {
  api = await startApiWithCrds();
}, 240_000);

afterAll(async () => api.stop());

const resources = { limits: { memory: '512Mi' } };
const spec = (mode: FlowJobSpec['mode']): FlowJobSpec => ({
  engine: { type: 'Embedded' },
  mode,
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'SELECT 1' } },
  state: { checkpoint: { interval: '10s' } },
  upgrade: {},
  jobManager: { resources },
  taskManager: { replicas: 1, slots: 1, resources },
});

const settled = (mode: FlowJobSpec['mode']): World => {
  const world = new World(spec(mode));
  world.settle();
  return world;
};

interface Situation {
  name: string;
  world: () => World;
  /** Beside observedGeneration: type and status of each condition. */
  conditions: Record<string, string>;
  kstatus: string;
}

const inProgress = { conditions: { Ready: 'Unknown', Reconciling: 'True' }, kstatus: 'InProgress' };
const failed = { conditions: { Ready: 'False', Stalled: 'True', Failed: 'True' }, kstatus: 'Failed' };

const situations: Situation[] = [
  {
    name: 'never seen',
    world: () => new World(spec('Streaming')),
    conditions: { Ready: 'Unknown' },
    kstatus: 'InProgress',
  },
  { name: 'starting', world: () => after(new World(spec('Streaming')), (world) => world.pass()), ...inProgress },
  {
    name: 'starting, refused by a quota',
    world: () =>
      after(new World(spec('Streaming')), (world) => {
        world.refusal = 'exceeded quota';
        for (let i = 0; i < 3; i++) world.pass();
      }),
    ...inProgress,
  },
  {
    name: 'upgrading',
    world: () =>
      after(settled('Streaming'), (world) => {
        world.edit((s) => void (s.job.sql = { inline: 'SELECT 2' }));
        world.pass();
      }),
    ...inProgress,
  },
  {
    name: 'retrying',
    world: () =>
      after(settled('Streaming'), (world) => {
        world.kill('JobManager');
        world.pass();
      }),
    ...inProgress,
  },
  { name: 'streaming, running', world: () => settled('Streaming'), conditions: { Ready: 'True' }, kstatus: 'Current' },
  { name: 'batch, running', world: () => settled('Batch'), conditions: { Ready: 'True' }, kstatus: 'Current' },
  {
    name: 'batch done',
    world: () =>
      after(settled('Batch'), (world) => {
        world.end('FINISHED', null);
        world.settle();
      }),
    conditions: { Ready: 'True', Complete: 'True' },
    kstatus: 'Current',
  },
  {
    name: 'failed for good',
    world: () =>
      after(settled('Streaming'), (world) => {
        world.end('FAILED', null);
        world.settle();
      }),
    ...failed,
  },
  {
    name: 'with SQL that cannot be planned',
    world: () =>
      after(new World(spec('Streaming')), (world) => {
        world.sqlError = 'SQL_SYNTAX (line 1, column 1)';
        world.settle();
      }),
    ...failed,
  },
  {
    name: 'rolled back',
    world: () =>
      after(settled('Streaming'), (world) => {
        world.edit((s) => void (s.job.sql!.inline = 'SELECT 2'));
        for (let pass = 0; pass < 50 && world.job.status?.accepted?.generation !== 2; pass++)
          after(world, () => world.progress()).pass();
        world.end('FAILED', null);
        world.settle();
      }),
    conditions: { Ready: 'False', Stalled: 'True' },
    kstatus: 'Failed',
  },
  {
    name: 'suspended as asked',
    world: () =>
      after(settled('Streaming'), (world) => {
        world.edit((s) => void (s.suspend = true));
        world.settle();
      }),
    conditions: { Ready: 'True', Suspended: 'True' },
    kstatus: 'Current',
  },
  {
    name: 'that the operator cannot look at',
    world: () =>
      after(settled('Streaming'), (world) => {
        const { status, metadata } = world.job;
        const stamp = { generation: metadata.generation, now: '2026-01-01T00:00:00Z' };
        const conditions = troubledConditions(status!.conditions, 'EIO: the disk fails', stamp);
        world.job = { ...world.job, status: { ...status!, conditions } };
      }),
    conditions: { Ready: 'False', Stalled: 'True' },
    kstatus: 'Failed',
  },
];

function after(world: World, happens: (world: World) => unknown): World {
  happens(world);
  return world;
}

/** What is written to the status subresource is the whole object. */
const withStatus = (object: FlowJob, status: FlowJob['status']) => Object.assign({}, object, { status });

/** The world's object as the API server stores it: made from its first spec, edited as it was edited, its status written where status goes. */
async function stored(world: World): Promise<FlowJob> {
  const { client } = api;
  const { job } = world;
  const manifest = {
    apiVersion: job.apiVersion,
    kind: job.kind,
    metadata: { name: 'orders', namespace: 'default' },
    spec: spec(job.spec.mode),
  };
  let object = await client.create(RESOURCES.FlowJob, manifest);
  if (job.metadata.generation > 1) object = await client.replace(RESOURCES.FlowJob, { ...object, spec: job.spec });
  expect(object.metadata.generation).toBe(job.metadata.generation);
  if (job.status?.state !== undefined)
    await client.replace(RESOURCES.FlowJob, withStatus(object, job.status), { subresource: 'status' });
  const found = await client.get(RESOURCES.FlowJob, object.metadata);
  await client.delete(RESOURCES.FlowJob, object.metadata);
  return found;
}

test.each(situations)('a job $name is $kstatus', async ({ world, conditions, kstatus }) => {
  const object = await stored(world());
  expect(Object.fromEntries(object.status!.conditions.map(({ type, status }) => [type, status]))).toEqual(conditions);
  const verdict = JSON.parse(await run(kubernetesCache('bin', 'kstatus'), [], { input: JSON.stringify(object) }));
  expect(verdict).toMatchObject({ status: kstatus });
});
