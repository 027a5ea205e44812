import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidObjectError } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import type { Manifest, StoreError, WatchEvent } from '../port.ts';
import { LocalStore } from './local-store.ts';

let directory: string;
let store: LocalStore;
let now: Date;

const open = (): LocalStore => new LocalStore({ directory, now: () => now });
const key = (name: string) => ({ namespace: 'default', name });
const reason = (expected: StoreError['reason']): unknown => expect.objectContaining({ reason: expected });

function manifest(name: string, spec: object = {}): Manifest<'FlowJob'> {
  return {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name },
    spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } }, ...spec },
  };
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowjob-store-'));
  now = new Date('2026-01-31T12:00:00.500Z');
  store = open();
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('objects', () => {
  test('a created object has its metadata, defaults and an unseen status', async () => {
    const job = await store.create(manifest('orders'));
    expect(job.metadata).toMatchObject({
      name: 'orders',
      namespace: 'default',
      generation: 1,
      creationTimestamp: '2026-01-31T12:00:00Z',
    });
    expect(job.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(job.spec.taskManager).toMatchObject({ replicas: 1, slots: 2 });
    expect(job.status?.observedGeneration).toBe(-1);
    expect(await store.get('FlowJob', key('orders'))).toEqual(job);
  });

  test('an invalid object is refused and leaves no trace', async () => {
    await expect(store.create(manifest('orders', { mode: 'Steaming' }))).rejects.toThrow(InvalidObjectError);
    expect((await store.list('FlowJob')).items).toEqual([]);
  });

  test('a name is taken once', async () => {
    await store.create(manifest('orders'));
    await expect(store.create(manifest('orders'))).rejects.toEqual(reason('AlreadyExists'));
  });

  test('files of objects and deletions, which may hold passwords in SQL, are for the owner only, also those of an earlier version', async () => {
    const files = (): string[] =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /orders|tombstones/.test(join(entry.parentPath, entry.name)))
        .map((entry) => join(entry.parentPath, entry.name));
    await store.create(manifest('orders'));
    await store.create(manifest('orders-old'));
    await store.delete('FlowJob', key('orders-old'));
    expect(files()).toHaveLength(2);
    for (const file of files()) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      chmodSync(file, 0o644);
    }
    await store.close();
    store = open();
    await store.create(manifest('another'));
    for (const file of files()) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('a namespace other than the local one is refused by name', async () => {
    const elsewhere = { ...manifest('orders'), metadata: { name: 'orders', namespace: 'prod' } };
    await expect(store.apply(elsewhere)).rejects.toThrow(/metadata.namespace: Unsupported value: "prod"/);
  });

  test('a text in a ConfigMap, of which there are none here, is refused with the remedy', async () => {
    const sql = { configMapKeyRef: { name: 'orders-sql', key: 'job.sql' } };
    await expect(store.apply(manifest('orders', { job: { sql } }))).rejects.toThrow(
      /spec.job.sql.configMapKeyRef: Forbidden: local mode has no ConfigMaps\n    write the text as spec.job.sql.inline/,
    );
  });

  test('a FlowCluster, which nobody would run here, is refused with the remedy', async () => {
    const cluster = { ...manifest('shared'), kind: 'FlowCluster' as const, spec: { engine: { version: '2.3' } } };
    await expect(store.apply(cluster)).rejects.toThrow(
      /kind: Forbidden: Apache Flink runs on Kubernetes alone\n    apply it there, or run its jobs here with engine.type Embedded/,
    );
  });

  test('a change of spec raises the generation; a change of labels or status does not', async () => {
    const created = await store.create(manifest('orders'));
    const labelled = await store.update<'FlowJob'>({
      ...created,
      metadata: { ...created.metadata, labels: { team: 'a' } },
    });
    expect(labelled.metadata.generation).toBe(1);
    const reported = await store.updateStatus<'FlowJob'>({
      ...labelled,
      status: { ...labelled.status!, state: 'Running' },
    });
    expect(reported.metadata.generation).toBe(1);
    const suspended = await store.update<'FlowJob'>({ ...reported, spec: { ...reported.spec, suspend: true } });
    expect(suspended.metadata.generation).toBe(2);
    expect(suspended.status?.state).toBe('Running');
    const versions = [created, labelled, reported, suspended].map((job) => Number(job.metadata.resourceVersion));
    expect(versions).toEqual([1, 2, 3, 4]);
  });

  test('an update from an old read is a conflict and changes nothing', async () => {
    const read = await store.create(manifest('orders'));
    await store.update<'FlowJob'>({ ...read, spec: { ...read.spec, suspend: true } });
    await expect(store.update<'FlowJob'>({ ...read, spec: { ...read.spec, restartNonce: 1 } })).rejects.toEqual(
      reason('Conflict'),
    );
    await expect(
      store.updateStatus<'FlowJob'>({ ...read, status: { ...read.status!, state: 'Running' } }),
    ).rejects.toEqual(reason('Conflict'));
    expect((await store.get('FlowJob', key('orders')))?.spec).toMatchObject({ suspend: true, restartNonce: 0 });
  });

  test('an equal object is not written again', async () => {
    const job = await store.create(manifest('orders'));
    expect((await store.update<'FlowJob'>(job)).metadata.resourceVersion).toBe(job.metadata.resourceVersion);
    expect((await store.updateStatus<'FlowJob'>(job)).metadata.resourceVersion).toBe(job.metadata.resourceVersion);
  });

  test('update leaves status alone, updateStatus leaves spec alone', async () => {
    const job = await store.create(manifest('orders'));
    const edited = {
      ...job,
      spec: { ...job.spec, suspend: true },
      status: { ...job.status!, state: 'Running' as const },
    };
    const updated = await store.update<'FlowJob'>(edited);
    expect([updated.spec.suspend, updated.status?.state]).toEqual([true, undefined]);
    const reported = await store.updateStatus<'FlowJob'>({ ...edited, metadata: updated.metadata, spec: job.spec });
    expect([reported.spec.suspend, reported.status?.state]).toEqual([true, 'Running']);
  });

  test('a status that its schema does not know is refused', async () => {
    const job = await store.create(manifest('orders'));
    const wrong = { ...job, status: { ...job.status, state: 'Dancing' } } as unknown as FlowJob;
    await expect(store.updateStatus<'FlowJob'>(wrong)).rejects.toThrow(/status.state: Unsupported value: "Dancing"/);
  });

  test('fields that must not change while the job runs are judged by the stored status', async () => {
    const job = await store.create(manifest('orders'));
    const running = await store.updateStatus<'FlowJob'>({ ...job, status: { ...job.status!, state: 'Running' } });
    const asBatch = { ...running, status: job.status!, spec: { ...running.spec, mode: 'Batch' as const } };
    await expect(store.update<'FlowJob'>(asBatch)).rejects.toThrow(/spec.mode must not change while the job runs/);
    const suspended = await store.updateStatus<'FlowJob'>({
      ...running,
      status: { ...running.status!, state: 'Suspended' },
    });
    expect((await store.update<'FlowJob'>({ ...suspended, spec: asBatch.spec })).spec.mode).toBe('Batch');
  });
});

describe('deletion', () => {
  test('an object without finalizers goes at once', async () => {
    await store.create(manifest('orders'));
    expect(await store.delete('FlowJob', key('orders'))).toBeNull();
    expect(await store.get('FlowJob', key('orders'))).toBeNull();
    await expect(store.delete('FlowJob', key('orders'))).rejects.toEqual(reason('NotFound'));
  });

  test('finalizers hold an object until the last one is removed', async () => {
    const job = await store.create({ ...manifest('orders'), metadata: { name: 'orders', finalizers: ['a', 'b'] } });
    const deleting = await store.delete('FlowJob', key('orders'));
    expect(deleting?.metadata.deletionTimestamp).toBe('2026-01-31T12:00:00Z');
    const again = await store.delete('FlowJob', key('orders'));
    expect(again?.metadata.resourceVersion).toBe(deleting?.metadata.resourceVersion);
    const one = await store.update<'FlowJob'>({ ...deleting!, metadata: { ...deleting!.metadata, finalizers: ['b'] } });
    expect(await store.get('FlowJob', key('orders'))).toMatchObject({ metadata: { uid: job.metadata.uid } });
    await store.update<'FlowJob'>({ ...one, metadata: { ...one.metadata, finalizers: [] } });
    expect(await store.get('FlowJob', key('orders'))).toBeNull();
  });

  test('an object that meanwhile breaks a rule can still lose its finalizer', async () => {
    const job = await store.create({ ...manifest('orders'), metadata: { name: 'orders', finalizers: ['a'] } });
    const old = { ...job, spec: { ...job.spec, job: { ...job.spec.job, parallelism: 64 } } };
    writeFileSync(join(directory, 'flowjobs', 'orders.json'), JSON.stringify(old));
    const deleting = (await store.delete('FlowJob', key('orders')))!;
    await store.update<'FlowJob'>({ ...deleting, metadata: { ...deleting.metadata, finalizers: [] } });
    expect(await store.get('FlowJob', key('orders'))).toBeNull();
  });

  test('resourceVersions never repeat, over deletions and restarts', async () => {
    await store.create(manifest('a'));
    await store.delete('FlowJob', key('a'));
    await store.close();
    rmSync(join(directory, 'version.json'));
    store = open();
    expect((await store.create(manifest('b'))).metadata.resourceVersion).toBe('3');
  });
});

describe('apply', () => {
  test('the same manifest twice writes nothing the second time', async () => {
    const first = await store.apply(manifest('orders'));
    const second = await store.apply(manifest('orders'));
    expect([first.outcome, second.outcome]).toEqual(['created', 'unchanged']);
    expect(second.object).toEqual(first.object);
  });

  test('a field that leaves the manifest returns to its default', async () => {
    await store.apply(manifest('orders', { suspend: true, taskManager: { slots: 4 } }));
    const { object, outcome } = await store.apply(manifest('orders'));
    expect(outcome).toBe('configured');
    expect(object.spec.suspend).toBe(false);
    expect(object.spec.taskManager.slots).toBe(2);
    expect(object.metadata.generation).toBe(2);
  });

  test('a field that the manifest leaves empty returns to its default', async () => {
    await store.apply(
      manifest('orders', { taskManager: { replicas: 3 }, job: { sql: { inline: 'x' }, parallelism: 2 } }),
    );
    const { object } = await store.apply(
      manifest('orders', { taskManager: { replicas: null }, job: { sql: { inline: 'x' }, parallelism: null } }),
    );
    expect(object.spec.taskManager.replicas).toBe(1);
    expect(object.spec.job).not.toHaveProperty('parallelism');
  });

  test('an object that leaves the manifest goes whole, so that the mode may change', async () => {
    await store.apply(manifest('orders', { mode: 'Batch', batch: { backoffLimit: 7 } }));
    const { object } = await store.apply(manifest('orders', { mode: 'Streaming' }));
    expect(object.spec.batch).toBeUndefined();
  });

  test('what somebody else set stays, and so does status', async () => {
    const { object } = await store.apply(manifest('orders', { taskManager: { slots: 4 } }));
    const scaled = await store.update<'FlowJob'>({
      ...object,
      spec: { ...object.spec, taskManager: { ...object.spec.taskManager, replicas: 3 } },
      metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, 'flowjob.dev/pause': 'true' } },
    });
    await store.updateStatus<'FlowJob'>({ ...scaled, status: { ...scaled.status!, state: 'Running' } });
    const { object: after } = await store.apply(manifest('orders', { restartNonce: 1 }));
    expect(after.spec.taskManager).toMatchObject({ replicas: 3, slots: 2 });
    expect(after.metadata.annotations).toHaveProperty(['flowjob.dev/pause'], 'true');
    expect(after.status?.state).toBe('Running');
  });

  test('labels that leave the manifest go', async () => {
    const labelled = { ...manifest('orders'), metadata: { name: 'orders', labels: { team: 'a' } } };
    await store.apply(labelled);
    expect((await store.apply(manifest('orders'))).object.metadata.labels).toBeUndefined();
  });

  test('a dry run answers what would happen and writes nothing', async () => {
    expect((await store.dryRunApply(manifest('orders'))).outcome).toBe('created');
    expect((await store.list('FlowJob')).items).toEqual([]);
    await store.apply(manifest('orders'));
    await expect(store.dryRunApply(manifest('orders', { suspended: true }))).rejects.toThrow(
      /did you mean spec.suspend/,
    );
  });
});

describe('watch', () => {
  /** The next `count` events. */
  async function take(source: AsyncIterable<WatchEvent<'FlowJob'>>, count: number): Promise<string[]> {
    const seen: string[] = [];
    for await (const { type, object } of source) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === count) break;
    }
    return seen;
  }

  test('it tells what is there, then each change in order, deletions too', async () => {
    await store.create(manifest('a'));
    await store.create(manifest('b'));
    const abort = new AbortController();
    const watching = take(store.watch('FlowJob', { signal: abort.signal }), 4);
    await store.create(manifest('c'));
    await store.delete('FlowJob', key('a'));
    expect((await watching).sort()).toEqual(['Changed b', 'Changed c', 'Changed a', 'Deleted a'].sort());
  });

  test('it resumes after a resourceVersion, over a restart of the process', async () => {
    await store.create(manifest('a'));
    const { resourceVersion } = await store.list('FlowJob');
    await store.delete('FlowJob', key('a'));
    await store.create(manifest('b'));
    await store.close();
    store = open();
    const events = take(store.watch('FlowJob', { resourceVersion, signal: new AbortController().signal }), 2);
    expect(await events).toEqual(['Deleted a', 'Changed b']);
  });

  test('a change by another store on the same folder is told in less than 50 ms', async () => {
    const other = open();
    await store.create(manifest('a'));
    const { resourceVersion } = await store.list('FlowJob');
    const reader = store.watch('FlowJob', { resourceVersion, signal: new AbortController().signal });
    const delays: number[] = [];
    const iterator = reader[Symbol.asyncIterator]();
    for (let round = 0; round < 5; round++) {
      const told = iterator.next().then(() => performance.now());
      await other.create(manifest(`b-${round}`));
      const written = performance.now();
      delays.push((await told) - written);
    }
    // The median: one slow turn of a busy machine is no defect.
    expect(delays.sort((a, b) => a - b)[2]).toBeLessThan(50);
    await iterator.return?.();
    await other.close();
  });

  test('it ends when it is aborted and when the store is closed', async () => {
    const abort = new AbortController();
    const aborted = take(store.watch('FlowJob', { signal: abort.signal }), 1);
    const closed = take(store.watch('FlowJob', { signal: new AbortController().signal }), 1);
    abort.abort();
    expect(await aborted).toEqual([]);
    await store.close();
    expect(await closed).toEqual([]);
  });

  test('a watch from before the oldest known deletion is expired', async () => {
    writeFileSync(join(directory, 'version.json'), JSON.stringify({ current: 9, floor: 5 }));
    const watching = take(store.watch('FlowJob', { resourceVersion: '4', signal: new AbortController().signal }), 1);
    await expect(watching).rejects.toEqual(reason('Expired'));
  });

  test('what a writer wrote before it died without publishing the version is told', async () => {
    const job = await store.create(manifest('a'));
    const { resourceVersion } = await store.list('FlowJob');
    const lost = { ...job, metadata: { ...job.metadata, resourceVersion: '2', labels: { half: 'done' } } };
    writeFileSync(join(directory, 'flowjobs', 'a.json'), JSON.stringify(lost));
    const lockFile = readdirSync(directory).find((name) => name.startsWith('lock.'))!;
    writeFileSync(join(directory, lockFile), JSON.stringify({ pid: 1, startTime: 'long ago', held: true }));
    const watching = take(store.watch('FlowJob', { resourceVersion, signal: new AbortController().signal }), 1);
    expect(await watching).toEqual(['Changed a']);
  });
});

describe('events', () => {
  test('equal events are counted, not repeated; the newest stands last', async () => {
    const job = await store.create(manifest('orders'));
    const regarding = { kind: 'FlowJob' as const, namespace: 'default', name: 'orders', uid: job.metadata.uid };
    const lost = { regarding, type: 'Warning' as const, reason: 'ProcessLost', message: 'taskmanager-0 ended' };
    await store.recordEvent(lost);
    await store.recordEvent({ regarding, type: 'Normal', reason: 'Running', message: 'runs' });
    now = new Date('2026-01-31T12:01:00Z');
    await store.recordEvent(lost);
    const events = await store.listEvents({ kind: 'FlowJob', ...key('orders') });
    expect(events.map((event) => [event.reason, event.count])).toEqual([
      ['Running', 1],
      ['ProcessLost', 2],
    ]);
    expect(events[1]).toMatchObject({
      firstTimestamp: '2026-01-31T12:00:00.500Z',
      lastTimestamp: '2026-01-31T12:01:00.000Z',
    });
    expect(await store.listEvents()).toHaveLength(2);
  });

  test('no more than fifty are kept for one object', async () => {
    const regarding = { kind: 'FlowJob' as const, namespace: 'default', name: 'orders', uid: 'u' };
    for (let i = 0; i < 60; i++)
      await store.recordEvent({ regarding, type: 'Normal', reason: 'Running', message: `${i}` });
    const events = await store.listEvents();
    expect([events.length, events[0]?.message]).toEqual([50, '10']);
  });
});

test('a file that is not JSON is named in the error', async () => {
  writeFileSync(join(directory, 'flowjobs', 'broken.json'), '{"metadata":');
  await expect(store.list('FlowJob')).rejects.toThrow(/flowjobs\/broken\.json is not JSON.*restore the file/);
});

describe('damaged files', () => {
  const told = async (names: string[]): Promise<void> => {
    const abort = new AbortController();
    for await (const { object } of store.watch('FlowJob', { signal: abort.signal })) {
      names.push(object.metadata.name);
      if (names.length === 1) abort.abort();
    }
  };

  /** The store as the next process finds it. */
  const reopened = async (damage: () => void): Promise<void> => {
    await store.close();
    damage();
    store = open();
  };

  test('an empty version file, as a crash of the machine can leave it, is made again from the objects', async () => {
    await store.create(manifest('a'));
    const { resourceVersion } = (await store.create(manifest('b'))).metadata;
    await reopened(() => writeFileSync(join(directory, 'version.json'), ''));
    expect((await store.list('FlowJob')).resourceVersion).toBe(resourceVersion);
    expect(Number((await store.create(manifest('c'))).metadata.resourceVersion)).toBe(Number(resourceVersion) + 1);
  });

  test('a damaged file of events is begun anew', async () => {
    const { metadata, kind } = await store.create(manifest('a'));
    const regarding = { kind, namespace: 'default', name: 'a', uid: metadata.uid };
    const event = { regarding, type: 'Normal', reason: 'Running', message: 'It runs.' } as const;
    await store.recordEvent(event);
    await reopened(() => writeFileSync(join(directory, 'events', 'flowjob.a.json'), '[{'));
    await store.create(manifest('b'));
    await store.recordEvent(event);
    expect(await store.listEvents(regarding)).toHaveLength(1);
  });

  test('a damaged object holds up no other, is named, and is told again once it is repaired', async () => {
    await store.create(manifest('a'));
    await store.create(manifest('b'));
    const file = join(directory, 'flowjobs', 'a.json');
    const whole = readFileSync(file, 'utf8');
    await reopened(() => writeFileSync(file, '{'));
    const names: string[] = [];
    await told(names);
    expect(names).toEqual(['b']);
    await store.create(manifest('c'));
    await expect(store.list('FlowJob')).rejects.toMatchObject({ reason: 'Corrupt' });
    await expect(store.get('FlowJob', key('a'))).rejects.toThrow(file);

    const abort = new AbortController();
    const seen: string[] = [];
    for await (const { object } of store.watch('FlowJob', { signal: abort.signal })) {
      seen.push(object.metadata.name);
      if (seen.at(-1) === 'c') writeFileSync(file, whole);
      if (seen.at(-1) === 'a') abort.abort();
    }
    expect(seen).toEqual(['b', 'c', 'a']);
  });
});
