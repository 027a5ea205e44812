// ConfigMaps that FlowJobs name, beside a real API server: what is fetched, what is only heard of, and how soon a change is told.
import { systemClock } from '../../engine/clock.ts';
import { KubernetesConfigMaps } from '../../src/store/kubernetes/kubernetes-config-maps.ts';
import { until } from '../harness/until.ts';
import { CONFIG_MAPS, ref, startFixture, type Fixture } from './kernel/fixture.ts';

let fixture: Fixture;
let configMaps: KubernetesConfigMaps;
/** Names in the order in which their changes were told. */
let told: string[];
/** Paths below /configmaps that were asked for. */
let asked: string[];

beforeAll(async () => {
  fixture = await startFixture();
}, 240_000);
afterAll(async () => fixture.stop(), 180_000);

beforeEach(async () => {
  told = [];
  asked = [];
  const client = await fixture.newClient();
  const find = client.find.bind(client);
  client.find = (resource, at, options) => {
    asked.push(at.name);
    return find(resource, at, options);
  };
  configMaps = new KubernetesConfigMaps({
    client,
    namespaces: [],
    clock: systemClock,
    random: Math.random,
    onTrouble: (error) => void told.push(String(error)),
  });
  configMaps.onChange(({ name }) => void told.push(name));
});
afterEach(() => configMaps.close());

const make = (name: string, text: string) =>
  fixture.client.create(CONFIG_MAPS, { metadata: ref(name), data: { 'job.sql': text } });

test('nothing is watched before a job asks, then each is fetched once for each of its versions, and others never', async () => {
  await make('named', 'SELECT 1');
  await make('other', 'x'.repeat(900_000));
  expect(told).toEqual([]);
  expect(await configMaps.read(ref('named'))).toEqual({ 'job.sql': 'SELECT 1' });
  expect(await configMaps.read(ref('named'))).toEqual({ 'job.sql': 'SELECT 1' });
  expect(asked).toEqual(['named']);
  expect(told).toContain('other');

  told = [];
  const current = await fixture.client.get(CONFIG_MAPS, ref('named'));
  await fixture.client.replace(CONFIG_MAPS, { ...current, data: { 'job.sql': 'SELECT 2' } });
  await until('the change is told', async () => told.includes('named') || null, { seconds: 60, every: 10 });
  expect(await configMaps.read(ref('named'))).toEqual({ 'job.sql': 'SELECT 2' });
  expect(asked).toEqual(['named', 'named']);
});

test('one that is missing is told when it comes, when it goes, and when it comes back', async () => {
  expect(await configMaps.read(ref('late'))).toBeNull();
  for (const text of ['SELECT 1', 'SELECT 2']) {
    told = [];
    await make('late', text);
    await until('it is told', async () => told.includes('late') || null, { seconds: 60, every: 10 });
    expect(await configMaps.read(ref('late'))).toEqual({ 'job.sql': text });
    told = [];
    await fixture.client.delete(CONFIG_MAPS, ref('late'));
    await until('its end is told', async () => told.includes('late') || null, { seconds: 60, every: 10 });
    expect(await configMaps.read(ref('late'))).toBeNull();
  }
});
