// Which savepoint answers a call that is repeated: the one that is there, or another beside it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { MANIFEST_VERSION } from '../checkpoint/storage.ts';
import type { CoordinatorEvent } from './coordinator/messages.ts';
import { Gateway } from './job-gateway.ts';
import type { JobMaster } from './job-master.ts';

const JOB = 'ab'.repeat(16);
const TRIGGER = 'c'.repeat(32);

test.each([true, false])(
  'a savepoint that an earlier attempt completed is used again only while its files are there (%s)',
  async (held) => {
    const root = mkdtempSync(join(tmpdir(), 'flowjob-gateway-'));
    try {
      const storage = new LocalCheckpointStorage(root);
      const path = storage.savepointPath(JOB, TRIGGER);
      const earlier = await storage.acquireAttempt(1, 'earlier');
      await storage.publishManifest(earlier, path, {
        formatVersion: MANIFEST_VERSION,
        kind: 'SAVEPOINT',
        jobId: JOB,
        jobName: 'job',
        checkpointId: 7,
        epoch: 1,
        triggerTimestamp: 0,
        maxParallelism: 128,
        operators: [],
        files: [],
        sources: [],
        committables: [{ connector: 'filesystem', operatorId: 'sink', payload: {} }],
        endOfInput: false,
      });
      const delivered: CoordinatorEvent[] = [];
      const master = {
        storage,
        job: { jobId: JOB },
        attempt: await storage.acquireAttempt(2, 'later'),
        jobCoordinator: { operation: () => null, backs: () => true },
        holds: async () => held,
        deliver: (event: CoordinatorEvent) => delivered.push(event),
      } as unknown as JobMaster;
      await new Gateway(master).triggerSavepoint(JOB, { triggerId: TRIGGER, targetDirectory: null });
      expect(delivered).toEqual([
        {
          type: 'savepoint',
          triggerId: TRIGGER,
          directory: held ? path : `${path}-2`,
          stop: null,
          existing: held,
        },
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
);
