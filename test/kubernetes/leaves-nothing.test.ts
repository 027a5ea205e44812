// `down` leaves the machine as it was, after an `up` that succeeded and after one that was killed half way.
import { spawn, type ChildProcess } from 'node:child_process';
import { kill } from '../e2e/engine-cluster.ts';
import { until } from '../harness/until.ts';
import { run } from './command.ts';
import { clusterFolder } from './folder.ts';
import { differences, observeMachine, type Machine } from './machine.ts';
import { ownCluster } from './own-cluster.ts';
import { podGroups } from './remains.ts';
import { Processes } from './processes.ts';

const MAIN = 'test/kubernetes/main.ts';
const cluster = async (...args: string[]): Promise<string> => run(process.execPath, [MAIN, ...args]);

/** With a cluster of the developer's nothing is started here. */
const onOurCluster = ownCluster(clusterFolder()) === null ? describe : describe.skip;
let before: Machine;

onOurCluster('down leaves nothing', () => {
  beforeAll(async () => {
    await cluster('down');
    before = await observeMachine();
  }, 240_000);

  // Other tests find the cluster as they expect it.
  afterAll(async () => {
    await cluster('up');
    await cluster('load');
  }, 400_000);

  /** The kernel takes network namespaces, with what is in them, away a moment after their last process. */
  async function nothingIsLeft(): Promise<void> {
    let left: string[] = [];
    const equal = async (): Promise<boolean> => (left = differences(before, await observeMachine())).length === 0;
    await until('nothing is left', equal, { seconds: 60, explain: () => left.join('\n') });
  }

  test('after a cluster with running pods', async () => {
    await cluster('up');
    // Else the machine could not show that something is left, or something of an earlier cluster was left before.
    const running = await observeMachine();
    const unseen = Object.keys(running).filter((kind) => differences(before, running, [kind]).length === 0);
    expect(unseen).toEqual([]);
    expect(await cluster('up')).toContain('the cluster is up already');
    await cluster('down');
    await nothingIsLeft();
    expect(await cluster('status')).toBe('nothing is up\n');
  }, 400_000);

  test.each([
    ['etcd runs', () => new Processes(clusterFolder(), false).isAlive('etcd')],
    ['the kubelet runs', () => new Processes(clusterFolder(), false).isAlive('kubelet')],
    ['a container runs', () => podGroups().length > 0],
  ])(
    'after an up that was killed as soon as %s',
    async (_when, reached: () => boolean) => {
      const up: ChildProcess = spawn(process.execPath, [MAIN, 'up'], { stdio: 'ignore' });
      await until('up gets so far', reached, { seconds: 120, every: 5 });
      await kill(up);
      await cluster('down');
      await nothingIsLeft();
    },
    400_000,
  );
});
