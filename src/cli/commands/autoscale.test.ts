// `flowjob autoscale explain` of jobs of which there is nothing to explain: each answer says why, and what to do.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testCli, type TestCli } from '../testing.ts';

let cli: TestCli;
let endOperator: () => void;
beforeEach(() => {
  cli = testCli();
  endOperator = cli.pretendOperator();
});
afterEach(() => cli.close());

async function apply(mode: 'Streaming' | 'Batch', more: string): Promise<void> {
  const spec = `spec: {mode: ${mode}, job: {sql: {inline: SELECT 1}}${more}}`;
  const manifest = `apiVersion: flowjob.dev/v1alpha1\nkind: FlowJob\nmetadata: {name: orders}\n${spec}\n`;
  writeFileSync(join(cli.directory, 'orders.yaml'), manifest);
  expect((await cli.run('apply -f orders.yaml')).code).toBe(0);
}

/** As the operator would report and a user annotate it. */
async function becomes(state: 'Running' | 'Suspended', annotations: Record<string, string> = {}): Promise<void> {
  const job = (await cli.store.get('FlowJob', { namespace: 'default', name: 'orders' }))!;
  await cli.store.updateStatus<'FlowJob'>({ ...job, status: { ...job.status!, state } });
  if (Object.keys(annotations).length > 0)
    await cli.store.apply({ ...job, metadata: { ...job.metadata, annotations } });
}

const explain = async (): Promise<string> => {
  const { code, out, err } = await cli.run('autoscale explain orders --history --svg orders.svg');
  expect([code, out]).toEqual([1, '']);
  return err;
};

test('of a job that is not there', async () => {
  expect(await explain()).toMatch(/orders.*not found/);
});

test.each([
  ['without autoscaling', 'Streaming', '', 'set spec.autoscaling.enabled to true.'],
  ['with autoscaling off', 'Streaming', ', autoscaling: {maxParallelism: 3}', 'set spec.autoscaling.enabled to true.'],
  ['of a batch', 'Batch', '', 'it is a batch job, and the size of streams alone follows their load.'],
] as const)('%s', async (_, mode, autoscaling, why) => {
  await apply(mode, autoscaling);
  expect(await explain()).toBe(`error: flowjob/orders is not autoscaled: ${why}`);
});

describe('that was never looked at', () => {
  beforeEach(() => apply('Streaming', ', autoscaling: {enabled: true}'));
  const unknown = 'error: nothing is known of flowjob/orders yet: ';

  test('because no operator runs', async () => {
    endOperator();
    expect(await explain()).toMatch(
      /^error: nothing .* yet: no operator runs on .*\. Start one with: flowjob local up\.$/,
    );
  });

  test('because it has just been made, or is stopped', async () => {
    expect(await explain()).toBe(`${unknown}the autoscaler looks at jobs that run, and this one is new.`);
    await becomes('Suspended');
    expect(await explain()).toBe(`${unknown}the autoscaler looks at jobs that run, and this one is Suspended.`);
  });

  test('because it has just begun to run', async () => {
    await becomes('Running');
    expect(await explain()).toBe(`${unknown}the autoscaler looks at jobs that run every 10 s; try again in a moment.`);
  });

  test('because it is to be left alone', async () => {
    await becomes('Running', { 'flowjob.dev/pause': 'true' });
    expect(await explain()).toBe(`${unknown}it is left alone while its annotation flowjob.dev/pause is "true".`);
  });
});
