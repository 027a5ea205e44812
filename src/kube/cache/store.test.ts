// What the cache says at any moment, and what it tells those who listen.
import { stored, type Thing } from '../testing/things.ts';
import { withoutManagedFields } from './informer.ts';
import { Store, type Change } from './store.ts';

let told: string[];
let store: Store<Thing>;

const line = (change: Change<Thing>): string => {
  const { name, uid, resourceVersion } = change.object.metadata;
  const unseen = change.type === 'Deleted' && !change.final ? ' unseen' : '';
  return `${change.type} ${name}/${uid}@${resourceVersion}${unseen}`;
};

beforeEach(() => {
  told = [];
  store = new Store<Thing>({
    indexers: { text: ({ spec }) => spec.text.split(' ').filter((word) => word !== '') },
    onTrouble: (error) => told.push(`trouble: ${(error as Error).message}`),
  });
  store.onChange((change) => told.push(line(change)));
});

const textsOf = (found: Thing[]): string[] => found.map(({ metadata }) => metadata.name);

test('an own write can be read at once, and the watch, which tells it later, changes nothing', () => {
  store.replace([stored('a', '1', 10, 'old')], '10', false);
  store.record(stored('a', '1', 12, 'new'));
  expect(store.get({ namespace: 'default', name: 'a' })?.spec.text).toBe('new');
  store.follow('MODIFIED', '11', stored('a', '1', 11, 'between'));
  store.follow('MODIFIED', '12', stored('a', '1', 12, 'new'));
  expect(store.get({ namespace: 'default', name: 'a' })?.spec.text).toBe('new');
  expect(told).toEqual(['Added a/1@10', 'Updated a/1@12']);
});

test('an own write whose answer comes in after the object was seen to go does not bring it back', () => {
  store.replace([stored('a', '1', 10)], '10', false);
  store.follow('DELETED', '12', stored('a', '1', 12));
  store.record(stored('a', '1', 11));
  expect(store.size).toBe(0);
  expect(told).toEqual(['Added a/1@10', 'Deleted a/1@12']);
});

test('an own write that is newer than a list survives it; what the list lacks otherwise is gone', () => {
  store.replace([stored('a', '1', 10), stored('b', '2', 10)], '10', false);
  store.record(stored('c', '3', 15));
  store.record(stored('a', '1', 16, 'own'));
  store.replace([stored('a', '1', 10)], '14', false);
  expect(textsOf(store.list()).sort()).toEqual(['a', 'c']);
  expect(store.get({ namespace: 'default', name: 'a' })?.spec.text).toBe('own');
  expect(told.at(-1)).toBe('Deleted b/2@10 unseen');
});

test('an object that was deleted and made anew under its name is told as both, by a list and by a watch', () => {
  store.replace([stored('a', '1', 10)], '10', false);
  store.replace([stored('a', '2', 20)], '20', false);
  store.follow('ADDED', '30', stored('a', '3', 30));
  expect(told).toEqual([
    'Added a/1@10',
    'Deleted a/1@10 unseen',
    'Added a/2@20',
    'Deleted a/2@20 unseen',
    'Added a/3@30',
  ]);
  expect(store.getByUid('1')).toBeUndefined();
});

test('late news of the object that had the name before are not believed', () => {
  store.replace([stored('a', '1', 10)], '10', false);
  store.record(stored('a', '2', 20));
  store.follow('MODIFIED', '15', stored('a', '1', 15));
  store.follow('DELETED', '16', stored('a', '1', 16));
  expect(store.get({ namespace: 'default', name: 'a' })?.metadata.uid).toBe('2');
});

test('an object that leaves the selection and comes back, as our own write tells before the watch, stays', () => {
  store.replace([stored('a', '1', 10)], '10', false);
  store.record(stored('a', '1', 14));
  store.follow('DELETED', '12', stored('a', '1', 12));
  expect(store.size).toBe(1);
});

test('a version with more digits is newer', () => {
  store.replace([stored('a', '1', 99, 'old')], '99', false);
  store.follow('MODIFIED', '100', stored('a', '1', 100, 'new'));
  expect(store.list()[0]?.spec.text).toBe('new');
});

test('indexes follow every change, and asking one that is not there is an error', () => {
  store.replace([stored('a', '1', 10, 'x y'), stored('b', '2', 11, 'y')], '11', false);
  expect(textsOf(store.by('text', 'y'))).toEqual(['a', 'b']);
  store.follow('MODIFIED', '12', stored('a', '1', 12, 'x'));
  expect(textsOf(store.by('text', 'y'))).toEqual(['b']);
  store.follow('DELETED', '13', stored('b', '2', 13, 'y'));
  expect(store.by('text', 'y')).toEqual([]);
  expect(textsOf(store.by('text', 'x'))).toEqual(['a']);
  expect(() => store.by('size', '1')).toThrow('there is no index "size"');
});

test('a handler that throws keeps nobody else from hearing, and the change is kept', () => {
  const others: string[] = [];
  store.onChange(() => {
    throw new Error('broken handler');
  });
  store.onChange((change) => others.push(line(change)));
  store.replace([stored('a', '1', 10)], '10', false);
  expect(others).toEqual(['Added a/1@10']);
  expect(told).toEqual(['Added a/1@10', 'trouble: broken handler']);
  expect(store.size).toBe(1);
});

test('who listens later first hears of all there is, and no more once it has ended that', () => {
  store.replace([stored('a', '1', 10)], '10', false);
  const later: string[] = [];
  const end = store.onChange((change) => later.push(line(change)));
  end();
  store.follow('MODIFIED', '11', stored('a', '1', 11));
  expect(later).toEqual(['Added a/1@10']);
});

test('what is handed out cannot be changed, and lacks what nobody reads', () => {
  const lean = new Store<Thing>({ trim: withoutManagedFields, onTrouble: () => undefined });
  const full = stored('a', '1', 10);
  lean.replace([{ ...full, metadata: { ...full.metadata, managedFields: [{}] } }], '10', false);
  const kept = lean.get({ namespace: 'default', name: 'a' })!;
  expect(kept.metadata).toEqual(full.metadata);
  expect(() => (kept.spec.text = 'other')).toThrow(TypeError);
});
