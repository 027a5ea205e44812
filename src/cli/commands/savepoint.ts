// `flowjob savepoint`: creates a FlowSavepoint, waits for it, prints where it is.
import { API_VERSION } from '../../api/group.ts';
import { CommandError, type CliContext } from '../context.ts';
import { keyIn, type Place } from '../place.ts';
import { refusalOf } from '../savepoint-refusals.ts';
import { existing, parseTarget } from '../targets.ts';
import { waitFor } from '../waiting.ts';

export async function savepoint(
  context: CliContext,
  place: Place,
  options: { job: string; name: string | undefined; timeoutMs: number },
): Promise<void> {
  const { store, namespace } = place;
  const job = await existing(store, 'FlowJob', keyIn(place, parseTarget([options.job]).name ?? options.job));
  const jobName = job.metadata.name;
  const refusal = refusalOf(job);
  if (refusal !== null) throw new CommandError(refusal);
  const idle = place.idleness();
  if (idle !== null) throw new CommandError(`nobody can take it: ${idle}`);
  const name = options.name ?? `${jobName}-${stamp(context.now())}`;
  await store.create({
    apiVersion: API_VERSION,
    kind: 'FlowSavepoint',
    metadata: { name, namespace },
    spec: { jobRef: { name: jobName } },
  });
  context.err(`flowsavepoint/${name} created`);
  const done = await waitFor(context, store, {
    kind: 'FlowSavepoint',
    key: keyIn(place, name),
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
}

/** `20260131-120000`: sorts by time, and is fit for a name. */
function stamp(now: Date): string {
  return now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
