// `flowjob savepoint`: creates a FlowSavepoint, waits for it, prints where it is.
import { API_VERSION } from '../../api/group.ts';
import { runningOperator } from '../../controller/operator-lock.ts';
import { CommandError, withStore, type CliContext } from '../context.ts';
import { refusalOf } from '../savepoint-refusals.ts';
import { existing } from '../targets.ts';
import { waitFor } from '../waiting.ts';

export async function savepoint(
  context: CliContext,
  directory: string,
  options: { job: string; name: string | undefined; timeoutMs: number },
): Promise<void> {
  await withStore(context, directory, async (store) => {
    const job = await existing(store, 'FlowJob', options.job);
    const refusal = refusalOf(job);
    if (refusal !== null) throw new CommandError(refusal);
    if (runningOperator(directory) === null)
      throw new CommandError(`no operator runs on ${directory}, so nobody can take it; start one: flowjob local up`);
    const name = options.name ?? `${options.job}-${stamp(context.now())}`;
    await store.create({
      apiVersion: API_VERSION,
      kind: 'FlowSavepoint',
      metadata: { name },
      spec: { jobRef: { name: options.job } },
    });
    context.err(`flowsavepoint/${name} created`);
    const done = await waitFor(context, store, {
      kind: 'FlowSavepoint',
      name,
      timeoutMs: options.timeoutMs,
      what: 'to complete',
      afterTimeout: `It is taken all the same when it can be; to withdraw it: flowjob delete flowsavepoint/${name}`,
      done: (object) => {
        if (object === null) throw new CommandError(`flowsavepoint "${name}" was deleted before it was complete`);
        const failed = object.status?.conditions.find(({ type, status }) => type === 'Failed' && status === 'True');
        if (failed !== undefined) throw new CommandError(`${failed.reason}: ${failed.message}`);
        return object.status?.state === 'Completed';
      },
    });
    context.out(done?.status?.path ?? '');
  });
}

/** `20260131-120000`: sorts by time, and is fit for a name. */
function stamp(now: Date): string {
  return now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
