// What holds of the folder of a job's state wherever it is: on a volume, and on S3.
import { clearState, disposeSavepoint, removeState, viewStateFolder } from './state-folder.ts';
import type { StateFiles } from './state-files/port.ts';

export interface Store {
  files: StateFiles;
  /** The folder of the job's state; nothing is in it. */
  root: string;
  /** Writes a file; `at`: seconds since the epoch. */
  write: (path: string, content: Buffer, at?: number) => Promise<void>;
  isThere: (path: string) => Promise<boolean>;
  /** Another way to write a path. */
  uri: (path: string) => string;
}

const jobId = 'a'.repeat(32);
const triggerId = 'b'.repeat(32);

/** What Flink 2.3 begins `_metadata` with: magic number, version of the format, id. */
export function metadata(id: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32BE(0x4960672d, 0);
  header.writeInt32BE(6, 4);
  header.writeBigInt64BE(BigInt(id), 8);
  return header;
}

/** `store`: asked in each test. */
export function stateFolderStatements(store: () => Store): void {
  const checkpoint = (id: number, of = jobId): string => `${store().root}/checkpoints/${of}/chk-${id}`;
  const savepoint = (): string => `${store().root}/savepoints/${triggerId}/savepoint-aaaaaa-0577e6c7cc94`;
  const view = (question: Parameters<typeof viewStateFolder>[2]) =>
    viewStateFolder(store().files, store().root, question);
  async function complete(path: string, id: number, content = metadata(id), at?: number): Promise<string> {
    await store().write(`${path}/_metadata`, content, at);
    return path;
  }

  test('the newest checkpoint is the one of the highest id, not of the highest text, and one that is not complete is none', async () => {
    await complete(checkpoint(9), 9);
    await complete(checkpoint(10), 10);
    await store().write(`${checkpoint(11)}/part`, Buffer.from('1'));
    await store().write(`${store().root}/checkpoints/${jobId}/shared/part`, Buffer.from('1'));
    const { newest } = await view({ jobId });
    expect(newest).toEqual({ path: checkpoint(10), kind: 'Checkpoint' });
  });

  test('a savepoint that is newer than the checkpoints is what the job goes on from, also where it was taken by a stop that nobody saw the end of', async () => {
    await complete(checkpoint(3), 3);
    await complete(savepoint(), 4);
    expect(await view({ jobId, stopTriggerId: triggerId })).toMatchObject({
      newest: { path: savepoint(), kind: 'Savepoint' },
      pendingSavepoint: savepoint(),
    });
    const other = await view({ jobId, lastSavepoint: store().uri(savepoint()) });
    expect(other).toMatchObject({ newest: { path: savepoint() }, pendingSavepoint: null });
    await complete(checkpoint(5), 5);
    expect((await view({ jobId, lastSavepoint: savepoint() })).newest?.path).toBe(checkpoint(5));
  });

  test('checkpoints of another run of the job do not count', async () => {
    await complete(checkpoint(7, 'c'.repeat(32)), 7);
    expect((await view({ jobId })).newest).toBeNull();
  });

  test('a last savepoint that is gone is told, and so is one that Flink did not write', async () => {
    expect(await view({ jobId, lastSavepoint: savepoint() })).toMatchObject({ savepointGone: true });
    await complete(savepoint(), 0, Buffer.from('{"flowjob": "a savepoint of the embedded engine"}'));
    const found = await view({ jobId, lastSavepoint: savepoint() });
    expect(found.savepointGone).toBeUndefined();
    expect(found.unreadable.savepoint).toMatch(/_metadata is not what Flink writes: put the file back/);
  });

  test('an earlier job’s newest state is found by its time, as ids of different jobs say nothing about each other', async () => {
    expect((await view({ findState: true })).found).toBeNull();
    await complete(checkpoint(900, 'c'.repeat(32)), 900, metadata(900), 1000);
    await complete(checkpoint(2), 2);
    expect((await view({ findState: true })).found).toEqual({
      newest: { path: checkpoint(2), kind: 'Checkpoint' },
      finished: false,
      unreadable: null,
    });
  });

  test.each([
    ['that is not there', undefined, { kind: 'NotFound' }],
    ['that is complete', metadata(1), null],
    ['that is cut off', metadata(1).subarray(0, 10), { kind: 'Unusable' }],
    ['that is empty', Buffer.alloc(0), { kind: 'Unusable' }],
  ])('a savepoint %s is judged before a job starts from it', async (_, content, problem) => {
    if (content !== undefined) await complete(savepoint(), 1, content);
    const found = await view({ savepoint: store().uri(savepoint()) });
    if (problem === null) expect(found.savepoint).toBeNull();
    else expect(found.savepoint).toMatchObject(problem);
  });

  test('a disposed savepoint goes with the folder of its trigger; removed state leaves savepoints', async () => {
    const { files, root, isThere, uri } = store();
    await complete(savepoint(), 1);
    await complete(checkpoint(1), 1);
    await store().write(`${root}/plans/a.json`, Buffer.from('{}'));
    await removeState(files, root);
    const folders = ['checkpoints', 'plans'].map((name) => isThere(`${root}/${name}`));
    expect(await Promise.all([...folders, isThere(savepoint())])).toEqual([false, false, true]);
    await disposeSavepoint(files, uri(savepoint()));
    expect(await isThere(`${root}/savepoints/${triggerId}`)).toBe(false);
    await disposeSavepoint(files, savepoint());
  });

  test('how a run ended is read from what Flink has written down', async () => {
    const { root, write } = store();
    const entry = { result: { 'application-status': 'SUCCEEDED', 'net-runtime': 5, 'start-time': 10, 'end-time': 15 } };
    expect((await view({ jobId })).result).toBeNull();
    await write(`${root}/ha/results/${jobId}/${jobId}_DIRTY.json`, Buffer.from(JSON.stringify(entry)));
    const { result } = await view({ jobId });
    expect(result).toEqual({ state: 'FINISHED', failure: null, savepointPath: null, startTime: 10, endTime: 15 });
  });

  test('what earlier runs have left goes but for what is needed, what is up to follow, and what Flink does not name so', async () => {
    const { files, root, write, isThere } = store();
    const [old, needed, prepared] = ['c'.repeat(32), 'd'.repeat(32), 'e'.repeat(32)] as const;
    const filesOf = (run: string): string[] => [
      `${checkpoint(7, run)}/_metadata`,
      `${root}/ha/results/${run}/${run}.json`,
      `${root}/ha/runs/orders-${run.slice(0, 8)}/submittedExecutionPlan1`,
    ];
    const others = [`${root}/ha/results/notes.json`, `${savepoint()}/_metadata`];
    const stays = [...[jobId, needed, prepared].flatMap(filesOf), ...others];
    for (const file of [...filesOf(old), ...stays]) await write(file, metadata(7));
    await clearState(files, root, { jobId, needed: [store().uri(checkpoint(7, needed))], preparedJobId: prepared });
    expect(await Promise.all(filesOf(old).map(isThere))).toEqual([false, false, false]);
    expect(await Promise.all(stays.map(isThere))).toEqual(stays.map(() => true));
  });

  test('a run stays of whose files one is made that the job goes on from, whether its own or one that is needed', async () => {
    const { files, root, write, isThere } = store();
    const [claimed, further, old] = ['c'.repeat(32), 'e'.repeat(32), 'f'.repeat(32)] as const;
    const needed = 'd'.repeat(32);
    const of = (run: string): Buffer =>
      Buffer.concat([metadata(8), Buffer.from(`\0\x30file:${root}/checkpoints/${run}/shared/x\0`)]);
    await complete(checkpoint(8), 8, of(claimed));
    await complete(checkpoint(7, needed), 7, of(further));
    const shared = (run: string): string => `${root}/checkpoints/${run}/shared/x`;
    for (const run of [claimed, further, old]) await write(shared(run), Buffer.from('x'));
    await clearState(files, root, { jobId, needed: [checkpoint(7, needed)] });
    expect(await Promise.all([claimed, further, old].map(shared).map(isThere))).toEqual([true, true, false]);
  });

  test.each([-1, 0, 17, 33, 34])(
    'also where its path is %i bytes before one of the pieces in which a large checkpoint is read',
    async (before) => {
      const { files, root, write, isThere } = store();
      const [claimed, old] = ['c'.repeat(32), 'f'.repeat(32)] as const;
      const reference = Buffer.from(`/${claimed}/`);
      const gap = Buffer.alloc((4 << 20) - before - metadata(8).length);
      await complete(checkpoint(8), 8, Buffer.concat([metadata(8), gap, reference, Buffer.alloc(100)]));
      const shared = (run: string): string => `${root}/checkpoints/${run}/shared/x`;
      for (const run of [claimed, old]) await write(shared(run), Buffer.from('x'));
      await clearState(files, root, { jobId, needed: [] });
      expect(await Promise.all([claimed, old].map(shared).map(isThere))).toEqual([true, false]);
    },
  );

  test('the folder of a trigger stays when something else is in it', async () => {
    const { files, isThere, write } = store();
    const other = `${savepoint()}-2/_metadata`;
    await complete(savepoint(), 1);
    await write(other, metadata(2));
    await disposeSavepoint(files, savepoint());
    expect(await Promise.all([isThere(savepoint()), isThere(other)])).toEqual([false, true]);
  });
}
