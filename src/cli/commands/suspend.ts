// `flowjob suspend` and `flowjob resume`: one field of the spec.
import type { FlowJob } from '../../api/flowjob.ts';
import { StoreError } from '../../store/port.ts';
import { warnWithoutOperator, withStore, type CliContext } from '../context.ts';
import { existing, parseTarget } from '../targets.ts';

export async function setSuspend(
  context: CliContext,
  directory: string,
  word: string,
  suspend: boolean,
): Promise<void> {
  const { name } = parseTarget([word]);
  await withStore(context, directory, async (store) => {
    for (;;) {
      const job = await existing(store, 'FlowJob', name ?? word);
      const { name: jobName } = job.metadata;
      if (job.spec.suspend === suspend) {
        context.out(`flowjob/${jobName} ${suspend ? already(job) : 'is not suspended'}`);
        return;
      }
      try {
        await store.update<'FlowJob'>({ ...job, spec: { ...job.spec, suspend } });
        context.out(`flowjob/${jobName} ${suspend ? done(job) : 'resumed'}`);
        break;
      } catch (error) {
        // The operator wrote in between: the change stands on its own, so it is made again.
        if (!(error instanceof StoreError && error.reason === 'Conflict')) throw error;
      }
    }
  });
  warnWithoutOperator(context, directory);
}

const FINISHED = 'has finished: there is nothing to suspend';

const already = (job: FlowJob): string => (hasFinished(job) ? FINISHED : 'is suspended already');

const done = (job: FlowJob): string =>
  hasFinished(job)
    ? `${FINISHED}; spec.suspend is true now and holds back another run that spec.restartNonce asks for`
    : 'suspended';

const hasFinished = (job: FlowJob): boolean => job.status?.state === 'Finished';
