// What is read of a job on Apache Flink, from its recorded answers: two streams of a source and a vertex behind it, each read twice, 5 s apart. The one reads
// from datagen, a source of Flink's older kind, the other files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyHistory } from '../../autoscaler/defaults.ts';
import { decide } from '../../autoscaler/decide.ts';
import type { Decision, Sample, VertexSample } from '../../autoscaler/model.ts';
import { config } from '../../autoscaler/steady-job.fixture.ts';
import { EngineClientError } from '../../engine-client/engine-client.ts';
import { readSample, type EngineReader } from './read-sample.ts';

type Answers = Record<string, unknown>;
const recorded = JSON.parse(
  readFileSync(join(__dirname, '../../../test/fixtures/flink-2.3/readings.json'), 'utf8'),
) as Record<'datagen' | 'files', [Answers, Answers]>;

/** Answers what Flink has answered, and what `instead` says. */
function reader(answers: Answers, instead: Answers = {}): EngineReader {
  const get = async <T>(path: string): Promise<T> => {
    const answer = { ...answers, ...instead }[path];
    if (answer === undefined) throw new EngineClientError('ENGINE_REFUSED', `GET ${path}: nobody asked for it`, 404);
    return answer as T;
  };
  return { get, taskManagers: async () => get('/taskmanagers') };
}

const jobIdOf = (answers: Answers): string => /[0-9a-f]{32}/.exec(Object.keys(answers)[0]!)![0];
const read = async (answers: Answers, instead?: Answers): Promise<Sample> =>
  (await readSample(reader(answers, instead), jobIdOf(answers), 0, 'Flink')).sample;
const sourceOf = ({ vertices }: Sample): VertexSample => vertices[0]!;
const pathOf = (answers: Answers, ending: string): string =>
  Object.keys(answers).find((path) => path.includes(sourceId) && path.includes(ending))!;
const sourceId = 'cbc357ccb763df2852fee8c4fc7d55f2';

test('a source of the older kind is counted by what it sends, and how busy it is is not known', async () => {
  const [first, second] = await Promise.all(recorded.datagen.map(async (answers) => read(answers)));
  expect(sourceOf(first!)).toMatchObject({ recordsIn: 3_600, recordsOut: 3_600, pendingRecords: null });
  expect(sourceOf(second!).recordsIn).toBe(5_600);
  expect(sourceOf(first!).subtasks).toEqual([
    { busy: null, backPressured: 0, idle: 0 },
    { busy: null, backPressured: 0, idle: 0 },
  ]);
});

test('other vertices, and sources of the newer kind, tell all of it', async () => {
  const { vertices } = await read(recorded.datagen[0]);
  expect(vertices[1]).toMatchObject({
    recordsIn: 3_600,
    inputs: [{ id: sourceId, shipStrategy: 'HASH' }],
    subtasks: [
      { busy: 170, backPressured: 0, idle: 830 },
      { busy: 166, backPressured: 0, idle: 834 },
    ],
  });
  expect(sourceOf(await read(recorded.files[0]))).toMatchObject({
    recordsIn: 730_719,
    subtasks: [
      { busy: 0, backPressured: 787, idle: 282 },
      { busy: 0, backPressured: 743, idle: 373 },
    ],
  });
});

test('what one subtask does not tell of a source is not known of the source', async () => {
  const [answers] = recorded.datagen;
  const path = pathOf(answers, 'numRecordsOut');
  const metrics = answers[path] as { id: string }[];
  const { vertices } = await read(answers, { [path]: metrics.filter(({ id }) => !id.startsWith('1.')) });
  expect(vertices[0]?.recordsIn).toBeNull();
});

test('a source that tells what waits, by answers made up after those of files, is asked for it by the name that it gives it', async () => {
  const [answers] = recorded.files;
  const list = pathOf(answers, '/subtasks/metrics');
  const values = pathOf(answers, 'numRecordsOut');
  const name = 'Source__numbers[7].pendingRecords';
  const [before, asked] = values.split('get=') as [string, string];
  const counters = decodeURIComponent(asked).split(',');
  const wanted = [0, 1].flatMap((subtask) => [
    ...counters.filter((one) => one.startsWith(`${subtask}.`)),
    `${subtask}.${name}`,
  ]);
  const path = `${before}get=${wanted.map(encodeURIComponent).join(',')}`;
  const told = [...(answers[values] as object[]), { id: `0.${name}`, value: '7' }, { id: `1.${name}`, value: '5' }];
  const { vertices } = await read(answers, { [list]: [...(answers[list] as object[]), { id: name }], [path]: told });
  expect(vertices[0]).toMatchObject({ pendingRecords: 12, recordsIn: 730_719 });
});

/** Decisions on a job that goes on as it was recorded. */
async function decisions(answers: Answers, busy: number): Promise<Decision[]> {
  const sample = await read(answers);
  let history = emptyHistory();
  return Array.from({ length: 180 }, (_, look) => {
    const now = (look + 1) * 10_000;
    const vertices = sample.vertices.map((vertex) => ({
      ...vertex,
      recordsIn: vertex.recordsIn! + look * 4_000,
      recordsOut: vertex.recordsOut! + look * 4_000,
      subtasks: vertex.subtasks.map((one) =>
        one.busy === null ? one : { busy, backPressured: 0, idle: 1_000 - busy },
      ),
    }));
    const seen = { ...sample, at: now, runningSince: 1, vertices };
    const result = decide({ config: config({ maxParallelism: 8 }), history, sample: seen, now });
    history = result.history;
    return result.decision;
  });
}

test('what is not known of a source never takes a TaskManager away, and keeps none from coming', async () => {
  for (const decision of await decisions(recorded.datagen[0], 20)) expect(decision.action).toBe('Hold');
  expect((await decisions(recorded.datagen[0], 20)).at(-1)).toMatchObject({ reason: 'MetricsUnknown' });
  expect((await decisions(recorded.files[0], 20)).map(({ direction }) => direction)).toContain('Down');
  const up = (await decisions(recorded.datagen[0], 990)).find(({ action }) => action === 'Rescale');
  expect(up).toMatchObject({ direction: 'Up', reason: 'Overloaded' });
});
