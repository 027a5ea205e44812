// For a test file: a small Flink session cluster of its own, which is up before its tests; after them nothing of it is left.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineClient } from '../../src/engine-client/engine-client.ts';
import { ensureFlink } from './distribution.ts';
import { FlinkCluster, SMALL, type FlinkConfig } from './session-cluster.ts';

export interface FlinkSession {
  cluster: FlinkCluster;
  client: EngineClient;
  /** For what jobs read and write. */
  work: string;
  /** Where savepoints go that name no place. */
  savepoints: string;
  /** Submits a SQL text with one INSERT as job `jobId`. */
  submit: (sql: string, jobId: string, parallelism?: number) => Promise<void>;
}

/** `name`: of the folder. The result may be used in tests and hooks only. */
export function withSessionCluster(name: string, slots: number, config: FlinkConfig = {}): FlinkSession {
  const session = {} as FlinkSession;
  beforeAll(async () => {
    const work = mkdtempSync(join(tmpdir(), `flowjob-${name}-flink-`));
    const savepoints = join(work, 'savepoints');
    mkdirSync(savepoints);
    Object.assign(session, { work, savepoints });
    session.cluster = await FlinkCluster.start(await ensureFlink(console.log), join(work, 'flink'), slots, {
      ...SMALL,
      'execution.checkpointing.dir': `file://${work}/checkpoints`,
      'execution.checkpointing.savepoint-dir': `file://${savepoints}`,
      ...config,
    });
    session.client = new EngineClient({ url: session.cluster.rest, token: null, timeoutMs: 30_000 });
    session.submit = async (sql, jobId, parallelism = slots) => {
      const file = join(work, `${jobId}.sql`);
      writeFileSync(file, sql);
      expect(await session.cluster.submit(file, parallelism, jobId)).toBe(jobId);
    };
  });
  afterAll(async () => {
    await session.cluster?.stop();
    if (session.work !== undefined) rmSync(session.work, { recursive: true });
  });
  return session;
}
