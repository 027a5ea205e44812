// An informer beside a real API server that is killed, restarted and set back, with watches that are cut and silenced on the way.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../../engine/clock.ts';
import { Informer } from '../../../src/kube/cache/informer.ts';
import type { Change } from '../../../src/kube/cache/store.ts';
import { compareVersions } from '../../../src/kube/object.ts';
import { loadAuthentication } from '../../../src/kube/rest/auth.ts';
import { Client } from '../../../src/kube/rest/client.ts';
import { HttpsTransport } from '../../../src/kube/rest/transport.ts';
import { until } from '../../harness/until.ts';
import { kubernetesCache } from '../binaries.ts';
import { THINGS, ref, startFixture, thing, type Fixture, type Thing } from './fixture.ts';

/** TCP between the informer and the server: it can cut every connection and take no new ones, or keep them and carry nothing more. */
class Wire {
  private readonly server: Server;
  private readonly pairs = new Set<[Socket, Socket]>();
  closed = false;

  constructor(port: number) {
    this.server = createServer((near) => {
      if (this.closed) return void near.destroy();
      const far = connect(port, '127.0.0.1');
      const pair: [Socket, Socket] = [near, far];
      this.pairs.add(pair);
      near.pipe(far);
      far.pipe(near);
      for (const socket of pair) socket.on('error', () => undefined).on('close', () => this.end(pair));
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const pair of this.pairs) this.end(pair);
  }

  silence(): void {
    for (const [near, far] of this.pairs) {
      near.unpipe(far);
      far.unpipe(near);
      this.pairs.delete([near, far]);
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private end(pair: [Socket, Socket]): void {
    for (const socket of pair) socket.destroy();
    this.pairs.delete(pair);
  }
}

let fixture: Fixture;
let wire: Wire;
let informer: Informer<Thing>;
let told: Change<Thing>[];
let troubles: string[];
let running: Promise<void>;
const ending = new AbortController();

beforeAll(async () => {
  fixture = await startFixture();
  const { plane } = fixture;
  wire = new Wire(Number(new URL(plane.server).port));
  const config = parse(readFileSync(plane.kubeconfig(), 'utf8')) as {
    clusters: { cluster: { server: string } }[];
  };
  config.clusters[0]!.cluster.server = `https://127.0.0.1:${await wire.listen()}`;
  const file = join(plane.folder, 'wired.kubeconfig');
  writeFileSync(file, stringify(config), { mode: 0o600 });
  const transport = new HttpsTransport(await loadAuthentication({ file, clock: systemClock }));
  const client = new Client({ transport, clock: systemClock, random: Math.random, userAgent: 'flowjob-kernel-test' });
  told = [];
  troubles = [];
  informer = new Informer<Thing>({
    client,
    resource: THINGS,
    clock: systemClock,
    random: Math.random,
    // Instead of 75 s; the server's bookmarks come every minute, so a quiet watch is begun anew now and then.
    silenceMs: 4_000,
    onTrouble: (error) => troubles.push(String(error)),
  });
  informer.store.onChange((change) => told.push(change));
  running = informer.run(ending.signal);
  await informer.synced;
}, 900_000);

afterAll(async () => {
  ending.abort();
  await running;
  await wire.close();
  await fixture.stop();
}, 240_000);

beforeEach(() => {
  told.length = 0;
  troubles.length = 0;
});

/** What the server has, as somebody else sees it. */
const stored = async (): Promise<Thing[]> => (await fixture.client.list(THINGS)).items;
const byName = (objects: readonly Thing[]): Record<string, Thing> =>
  Object.fromEntries(objects.map((object) => [object.metadata.name, object]));

async function equal(): Promise<void> {
  await until(
    'the store equals the list',
    async () => {
      expect(byName(informer.store.list())).toEqual(byName(await stored()));
      return true;
    },
    { seconds: 90, every: 50, explain: () => troubles.join('\n') },
  );
}

const life = (): string[] => told.map(({ type, object }) => `${type} ${object.metadata.name} ${object.spec.text}`);
const write = (name: string, text: string): Promise<Thing> =>
  fixture.client.apply(THINGS, thing(name, text), { fieldManager: 'somebody', force: true });

test('changes come in order within a moment', async () => {
  await write('a', 'one');
  await write('a', 'two');
  await fixture.client.delete(THINGS, ref('a'));
  await until('its end is told', () => told.at(-1)?.type === 'Deleted', { seconds: 60, every: 20 });
  expect(life()).toEqual(['Added a one', 'Updated a two', 'Deleted a two']);
  expect(troubles).toEqual([]);
});

test('a watch that is cut goes on where it was', async () => {
  await write('b', 'before');
  await equal();
  wire.cut();
  await write('b', 'after');
  await equal();
  expect(life()).toEqual(['Added b before', 'Updated b after']);
});

test('a watch whose connection says nothing any more is given up and begun anew', async () => {
  await write('c', 'before');
  await equal();
  wire.silence();
  await write('c', 'after');
  await equal();
  expect(troubles.join('\n')).toContain('no byte for 4 s');
  expect(life()).toEqual(['Added c before', 'Updated c after']);
}, 40_000);

test('a server that is killed and restarted is taken up again, and what changed at once after that is seen', async () => {
  await write('d', 'before');
  await equal();
  await fixture.plane.apiServer.kill();
  await until('the loss is noticed', () => troubles.length > 0, { seconds: 60 });
  await fixture.plane.apiServer.start();
  await write('d', 'after');
  await equal();
  expect(life()).toEqual(['Added d before', 'Updated d after']);
}, 300_000);

test('after a compaction while the server was away the list is fetched anew; what was made anew meanwhile is told as both', async () => {
  const first = await write('e', 'first');
  await equal();
  wire.closed = true;
  wire.cut();
  await fixture.client.delete(THINGS, ref('e'));
  const second = await write('e', 'second');
  for (let i = 0; i < 3; i++) await write('filler', `text ${i}`);
  await fixture.plane.etcd.compact();
  await fixture.plane.apiServer.restart();
  wire.closed = false;
  await equal();
  expect(troubles.join('\n')).toContain('410 Expired');
  const ofE = told.filter(({ object }) => object.metadata.name === 'e');
  expect(ofE.map(({ type, object }) => [type, object.metadata.uid])).toEqual([
    ['Added', first.metadata.uid],
    ['Deleted', first.metadata.uid],
    ['Added', second.metadata.uid],
  ]);
}, 300_000);

test('an own write can be read at once', async () => {
  const written = await write('f', 'mine');
  informer.store.record(written);
  expect(informer.store.get(ref('f'))).toEqual(written);
  await equal();
  expect(life()).toEqual(['Added f mine']);
});

test('an etcd that was set back to a backup is believed, though its versions are older than those seen', async () => {
  const { plane } = fixture;
  const data = join(plane.folder, 'etcd');
  const backup = join(plane.folder, 'etcd-backup');
  const { etcdPeer } = JSON.parse(readFileSync(join(plane.folder, 'ports.json'), 'utf8')) as { etcdPeer: number };
  const withoutEtcd = async (change: () => void): Promise<void> => {
    await plane.apiServer.kill();
    await plane.processes.stop('etcd', 10);
    change();
    await plane.etcd.start(kubernetesCache('bin', 'etcd'), plane.folder, etcdPeer);
    await plane.apiServer.start();
  };
  await write('g', 'in the backup');
  await equal();
  await withoutEtcd(() => cpSync(data, backup, { recursive: true }));
  await write('h', 'lost');
  // More than the API server and its controllers write at their start: else the versions would be past ours when we look.
  for (let i = 0; i < 300; i++) await write('g', `lost ${i}`);
  await equal();
  const newest = informer.store.newest!;
  await withoutEtcd(() => {
    rmSync(data, { recursive: true });
    cpSync(backup, data, { recursive: true });
  });
  await equal();
  expect(compareVersions(informer.store.version!, newest)).toBeLessThan(0);
  expect(informer.store.get(ref('g'))?.spec.text).toBe('in the backup');
  expect(life()).toContain('Deleted h lost');
  await write('g', 'after the backup');
  await equal();
}, 400_000);
