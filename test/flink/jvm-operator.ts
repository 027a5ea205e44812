// The operator over one job on Flink's JVMs, without autoscaler.
import { Controller } from '../../src/controller/controller.ts';
import { LocalRevisions } from '../../src/store/local/local-revisions.ts';
import type { JvmJob } from './jvm-job.ts';

const silent = { info: () => undefined, warn: () => undefined };

/** Returns how it is stopped, which fails the test where the operator had errors. */
export function startOperator({ store, runtime, work }: JvmJob): () => Promise<void> {
  const errors: unknown[] = [];
  const controller = new Controller({
    store,
    runtime,
    revisions: new LocalRevisions(work),
    checkSql: () => null,
    now: Date.now,
    log: { ...silent, error: (fields) => void errors.push(fields) },
  });
  const abort = new AbortController();
  const running = controller.run(abort.signal);
  return async () => {
    abort.abort();
    await running;
    expect(errors).toEqual([]);
  };
}
