// What a pass hears of a cluster that is up before its job, and how the job is submitted to it. A refusal and a submission are answered as Flink was recorded to;
// the overview and a plan that is taken are made up, with the fields that are read.
import type { Prepared } from '../api/status.ts';
import { resolveSpec } from '../api/resolved.ts';
import { DRIVER_JAR } from '../engine-client/flink/driver-jar.ts';
import { RecordedFlink } from '../engine-client/flink/recorded-flink.fixture.ts';
import { NOTHING_KNOWN, type PreparedView, type ProcessView } from '../lifecycle/observation.ts';
import { newJob, newSpec } from '../lifecycle/simulated-objects.fixture.ts';
import type { AttemptPlan, Runtime, StartAhead } from '../runtime/port.ts';
import { until } from '../../test/harness/until.ts';
import { act } from './act.ts';
import { Gatherer } from './gather.ts';
import { planOf, runOf, submissionOf } from './submissions.ts';

const jobId = 'a'.repeat(32);
const spec = newSpec('Streaming', { engine: { type: 'Flink', version: '2.3' } });
const prepared: Prepared = { epoch: 2, jobId, specHash: '', since: '2026-01-01T00:00:00Z', spec: resolveSpec(spec) };

let flink: RecordedFlink;
let isUp: boolean;
let processes: ProcessView[];
let tookOver: AttemptPlan[];

beforeEach(async () => {
  flink = await RecordedFlink.start();
  isUp = true;
  processes = [];
  tookOver = [];
});
afterEach(() => flink.stop());

const ahead = (): StartAhead => ({
  supports: () => true,
  ensure: async () => undefined,
  refusal: () => 'exceeded quota',
  drop: () => undefined,
  submission: ({ attempt }) => ({ jar: DRIVER_JAR, jobId: attempt.jobId, programArgs: [] }),
  takeOver: async (plan) => void tookOver.push(plan),
});

const runtime = (): Runtime =>
  ({
    ahead: ahead(),
    processes: () => processes,
    refusal: () => null,
    connection: async () => (isUp ? { url: flink.url, token: null } : null),
    newImages: async () => null,
    storage: async () => ({ epoch: 0, ...NOTHING_KNOWN }),
    savepointFolder: () => null,
    claimOf: () => null,
  }) as unknown as Runtime;

const preparing = (sql = 'INSERT INTO b SELECT * FROM a') => {
  const job = newJob(spec);
  const own = { ...prepared.spec!, job: { ...prepared.spec!.job, sql: { inline: sql } } };
  return { ...job, status: { ...job.status!, prepared: { ...prepared, spec: own } } };
};

async function heard(gatherer: Gatherer, job = preparing(), now = 0): Promise<PreparedView | undefined> {
  const related = { savepoints: [], named: null, restorers: {}, jobs: async () => [] };
  return (await gatherer.observe(job, related, now)).prepared;
}

const gathererOf = () => new Gatherer({ runtime: runtime(), checkSql: () => null });
const planned = async (gatherer: Gatherer): Promise<PreparedView['plan'] | null> =>
  until(
    'the plan is answered',
    async () => {
      const { plan } = (await heard(gatherer))!;
      return plan === 'Unknown' ? null : plan;
    },
    { seconds: 10, every: 10 },
  );

test('nothing is heard of a cluster without an address', async () => {
  isUp = false;
  expect(await heard(gathererOf())).toEqual({
    ...{ refusal: 'exceeded quota', troubledSince: null, slots: null, plan: 'Unknown' },
  });
});

test('it is known since when something keeps a pod of it from starting, whatever kept it before', async () => {
  isUp = false;
  const gatherer = gathererOf();
  const sinceWhen = async (now: number, epoch: number, trouble: string | null): Promise<number | null> => {
    processes = [
      { epoch, role: 'TaskManager', index: 0, state: 'Running', exit: null, restarts: 0, pending: { trouble } },
    ];
    return (await heard(gatherer, preparing(), now))!.troubledSince;
  };
  expect(await sinceWhen(1_000, 2, null)).toBeNull();
  // That of the attempt that runs is another matter.
  expect(await sinceWhen(2_000, 1, 'no node')).toBeNull();
  expect(await sinceWhen(3_000, 2, 'no node')).toBe(3_000);
  expect(await sinceWhen(4_000, 2, 'no image')).toBe(3_000);
  expect(await sinceWhen(5_000, 2, null)).toBeNull();
  expect(await sinceWhen(6_000, 2, 'no image')).toBe(6_000);
});

test('its slots are heard at once, what it says of the program when that is planned', async () => {
  flink.answers['/overview'] = { taskmanagers: 1, 'slots-total': 2 };
  flink.answers[`/jars/${DRIVER_JAR}/plan`] = { plan: {} };
  const gatherer = gathererOf();
  expect(await heard(gatherer)).toMatchObject({ slots: 2, plan: 'Unknown' });
  expect(await planned(gatherer)).toBe('Good');
});

test('SQL that it does not take is heard with the cause', async () => {
  flink.answers['/overview'] = { taskmanagers: 1, 'slots-total': 2 };
  flink.answers[`/jars/${DRIVER_JAR}/plan`] = 'submission/plan_invalid_sql_500.json';
  expect(await planned(gathererOf())).toEqual({ invalid: expect.stringContaining("Object 'nowhere' not found") });
});

test('a question that has no answer is heard with the reason, and asked again', async () => {
  flink.answers['/overview'] = { taskmanagers: 1, 'slots-total': 2 };
  const gatherer = gathererOf();
  gatherer.submissions.ask(planOf(preparing().metadata), submissionOf(prepared), async () => ({
    kind: 'Unreachable',
    message: 'no answer in 120000 ms',
  }));
  expect(await heard(gatherer)).toMatchObject({ plan: 'Unknown', slots: 2, unanswered: 'no answer in 120000 ms' });
});

test('SQL that has an effect when it is planned is not planned', async () => {
  flink.answers['/overview'] = { taskmanagers: 1, 'slots-total': 2 };
  const job = preparing('DROP TABLE c; INSERT INTO b SELECT * FROM a');
  expect(await heard(gathererOf(), job)).toMatchObject({ plan: 'Good' });
});

test('a job is submitted once, however often that is asked for, and its attempt takes over before', async () => {
  flink.answers[`/jars/${DRIVER_JAR}/run`] = 'submission/submitted.json';
  const { submissions } = gathererOf();
  const attempt = { epoch: 2, jobId, specHash: '', session: true, startedAt: '', runStartedAt: '', healthy: false };
  const job = newJob(spec);
  const accepted = { generation: 1, specHash: '', spec: prepared.spec! };
  const started = { ...job, status: { ...job.status!, attempt, accepted } };
  const submit = async (epoch: number): Promise<void> =>
    act({ kind: 'SubmitJob', epoch, jobId }, started, runtime(), null, { onRefusal: () => undefined, submissions });
  await submit(1);
  expect(tookOver).toEqual([]);
  await submit(2);
  await submit(2);
  const answer = () => submissions.answer(runOf(job.metadata), submissionOf(attempt));
  expect(await until('there is an answer', async () => answer(), { seconds: 10 })).toEqual({ kind: 'Submitted' });
  await submit(2);
  expect(tookOver).toHaveLength(1);
});
