// `npm run demo -- --kubernetes`: the demo's story in pods. A batch runs to Complete and its pods go; a stream is upgraded with a savepoint and loses a
// TaskManager pod; every window that it wrote is compared with a batch run of the same windows. Everything is done with the command line, as kubectl flowjob.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../../src/cli/cluster/connect.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { systemClock } from '../../../engine/clock.ts';
import { DirectStore } from '../../../src/store/kubernetes/direct-store.ts';
import { Cli, condition } from '../../harness/cli.ts';
import { InVain, until } from '../../harness/until.ts';
import { compareRows, isEqual } from '../compare.ts';
import { asBatch, atRate, toYaml, withMeanDelay, type DemoManifest } from '../manifests.ts';
import { Observer } from '../observe.ts';
import { formatCount, LiveTable } from '../table.ts';
import { tellComparison } from '../tell.ts';
import { clearAway, NAMESPACE, prepare, type Environment } from './environment.ts';
import { exampleInPods, inPods } from './manifests.ts';
import { FLIGHTS, OUT, Volume } from './volume.ts';

/** Seconds for each step: a small machine that does other things, too, is slow to start pods. */
const PATIENCE = 240;

const keep = process.argv.includes('--keep');
const folder = mkdtempSync(join(tmpdir(), 'flowjob-demo-'));
const table = new LiveTable(process.stdout);
const started = performance.now();
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
process.stdout.on('error', () => interrupt.abort());

const say = (text: string): void =>
  table.note(`[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`);

/** Each look starts a program: not too often. */
const patiently = <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> =>
  until<T>(
    what,
    async () => {
      if (interrupt.signal.aborted) throw new InVain('interrupted');
      return (await look()) ?? null;
    },
    { seconds: PATIENCE, every: 500 },
  );

class Story {
  private readonly environment: Environment;
  private readonly volume: Volume;
  private readonly cli = new Cli(folder);
  private readonly node: string;

  constructor(environment: Environment, volume: Volume, node: string) {
    this.environment = environment;
    this.volume = volume;
    this.node = node;
  }

  /** Answers whether every row came out as it should. */
  async tell(): Promise<boolean> {
    await this.batch();
    const upgraded = await this.stream();
    return this.compare(upgraded);
  }

  private async batch(): Promise<void> {
    say('1. A batch: count, mean delay and distance of 3,000,000 flights, per origin and per route.');
    await this.apply(exampleInPods('flights-by-origin.yaml', this.node));
    await this.ready('flights-by-origin', 'Complete');
    const summary = (await this.job('flights-by-origin')).status?.batch;
    const seconds = ((summary?.durationMs ?? 0) / 1000).toFixed(1);
    say(
      `   Complete: ${formatCount(summary?.rowsIn ?? 0)} rows read in ${seconds} s, ${summary?.rowsOut ?? 0} rows written.`,
    );
    await patiently('the batch’s pods to go', async () => (await this.pods('flights-by-origin')).length === 0);
    say('   Its pods are gone; its status and its results stay:');
    const routes = (await this.volume.lines(`${OUT}/by-route`)).map((line) => line.split(','));
    const busiest = routes.sort((a, b) => Number(b[2]) - Number(a[2])).slice(0, 3);
    if (busiest.length < 3) throw new Error('the batch wrote no routes');
    for (const [origin, destination, flights, delay] of busiest)
      say(`   ${origin} to ${destination}: ${flights} flights, ${Number(delay).toFixed(1)} minutes late on average`);
  }

  private async stream(): Promise<DemoManifest> {
    say('2. A stream: the same flights in time order, summed up per origin and day, exactly once.');
    const first = atRate(exampleInPods('flights-per-day.yaml', this.node), 150_000);
    await this.apply(first);
    await this.ready('flights-per-day', 'Ready');
    const windows = await patiently('the first windows', async () => (await this.windows()).length || false);
    say(`3. ${windows} windows are out. Its SQL gains a column: the mean beside count and total.`);
    const upgraded = withMeanDelay(first);
    await this.apply(upgraded);
    await this.ready('flights-per-day', 'Ready');
    const { attempt, lastSavepoint } = (await this.job('flights-per-day')).status ?? {};
    if (attempt?.restoreFrom === undefined || attempt.restoreFrom !== lastSavepoint?.path)
      throw new Error('the new version does not run from the savepoint of the old one');
    say(`   Stopped with ${attempt.restoreFrom.split('/').pop()}, and the new version runs from it.`);
    await patiently('windows with the new column', async () =>
      (await this.windows()).some((row) => 'mean_delay' in row),
    );
    await this.losePod(attempt.epoch);
    await this.ready('flights-per-day', 'Complete');
    return upgraded;
  }

  private async losePod(epoch: number): Promise<void> {
    const victim = (await this.pods('flights-per-day')).find(
      ({ name }) => name === `flights-per-day-${epoch}-taskmanager-0`,
    );
    if (victim === undefined) throw new Error('no TaskManager pod of flights-per-day to delete');
    const before = new Set((await this.pods('flights-per-day')).map(({ uid }) => uid));
    say(`4. Pod ${victim.name} is deleted without warning.`);
    const { kubectl } = this.environment;
    await kubectl.run('delete', 'pod', victim.name, '-n', NAMESPACE, '--grace-period=0', '--force');
    const next = await patiently('a new TaskManager pod', async () =>
      (await this.pods('flights-per-day')).find(({ name, uid }) => name.includes('-taskmanager-0') && !before.has(uid)),
    );
    say(`   Pod ${next.name} was made anew, and the job goes on from its last checkpoint.`);
  }

  private async compare(upgraded: DemoManifest): Promise<boolean> {
    say('5. The same windows as a batch, and every row of the stream held against them.');
    const to = `${OUT}/check`;
    await this.apply(inPods(asBatch(upgraded, 'flights-per-day-check', { from: `${OUT}/per-day`, to }), this.node));
    await this.ready('flights-per-day-check', 'Complete');
    const comparison = compareRows(await this.volume.jsonRows(to), await this.windows(), ['window_start', 'origin']);
    for (const line of tellComparison(comparison)) say(line);
    return isEqual(comparison);
  }

  private windows(): ReturnType<Volume['jsonRows']> {
    return this.volume.jsonRows(`${OUT}/per-day`);
  }

  private async apply(manifest: DemoManifest): Promise<void> {
    const file = join(folder, `${manifest.metadata.name}.yaml`);
    writeFileSync(file, toYaml(manifest));
    await this.flowjob('apply', '-f', file);
  }

  private async job(name: string): Promise<FlowJob> {
    return JSON.parse(await this.flowjob('get', name, '-o', 'json')) as FlowJob;
  }

  private flowjob(...args: string[]): Promise<string> {
    return this.cli.must(...args, '--kubeconfig', this.environment.kubectl.kubeconfig, '-n', NAMESPACE);
  }

  private async pods(job: string): Promise<{ name: string; uid: string }[]> {
    const { kubectl } = this.environment;
    const args = ['pods', '-n', NAMESPACE, '-l', `flowjob.dev/job=${job},flowjob.dev/role`];
    const { items } = await kubectl.get<{ items: { metadata: { name: string; uid: string } }[] }>(...args);
    return items.map(({ metadata }) => metadata);
  }

  private async ready(name: string, type: string): Promise<void> {
    await patiently(`${name} to be ${type}`, async () => {
      const job = await this.job(name);
      if (condition(job, 'Stalled') === 'True')
        throw new InVain(`${name} is stalled: ${JSON.stringify(job.status?.conditions)}`);
      return job.status?.observedGeneration === job.metadata.generation && condition(job, type) === 'True';
    });
  }
}

/** Draws the jobs until `work` is over. */
async function drawn<T>(kubeconfig: string, work: () => Promise<T>): Promise<T> {
  const { client } = await connect({ kubeconfig, context: undefined });
  const store = new DirectStore({ client, namespace: NAMESPACE, clock: systemClock, random: Math.random });
  const observer = new Observer(store, async () => null);
  let drawing = true;
  const draw = (async () => {
    while (drawing) {
      table.update(await observer.lines().catch(() => []));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  })();
  try {
    return await work();
  } finally {
    drawing = false;
    await draw;
    table.end();
  }
}

async function main(): Promise<boolean> {
  const environment = await prepare(say, interrupt.signal);
  try {
    return await story(environment);
  } catch (error) {
    say(interrupt.signal.aborted ? 'Interrupted.' : `The demo failed: ${(error as Error).message}`);
    return false;
  } finally {
    if (keep && !interrupt.signal.aborted) stays(environment.kubectl.kubeconfig);
    else {
      say(`Namespace ${NAMESPACE} and what the demo installed are taken away.`);
      await clearAway(environment, say);
    }
    if (keep || !environment.broughtUp) say('The cluster stays up. To take it down: npm run cluster -- down');
  }
}

async function story(environment: Environment): Promise<boolean> {
  const { kubectl } = environment;
  const volume = new Volume(kubectl, NAMESPACE);
  const node = await volume.create(environment.image);
  await volume.put('node_modules/vega-datasets/data/flights-3m.parquet', FLIGHTS);
  say('Three million flights lie on a volume of the cluster.');
  return drawn(kubectl.kubeconfig, async () => new Story(environment, volume, node).tell());
}

function stays(kubeconfig: string): void {
  say('Everything stays. To look at it:');
  table.note(`  export KUBECONFIG=${kubeconfig}`);
  table.note(`  npm run -s flowjob -- get -n ${NAMESPACE}`);
  table.note(`  npm run -s flowjob -- describe flights-per-day -n ${NAMESPACE}`);
  table.note(`  kubectl delete namespace ${NAMESPACE}        when you have seen enough`);
}

try {
  const equal = await main();
  process.exitCode = interrupt.signal.aborted ? 130 : equal ? 0 : 1;
} catch (error) {
  say(`The demo failed: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
