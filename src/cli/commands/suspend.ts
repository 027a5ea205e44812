// `flowjob suspend` and `flowjob resume`: one field of the spec.
import type { FlowJob } from '../../api/flowjob.ts';
import type { ObjectKey } from '../../api/object.ts';
import { StoreError } from '../../store/port.ts';
import type { CliContext } from '../context.ts';
import { keyIn, type Place } from '../place.ts';
import { existing, parseTarget } from '../targets.ts';

export async function setSuspend(context: CliContext, place: Place, word: string, suspend: boolean): Promise<void> {
  const key = keyIn(place, parseTarget([word]).name ?? word);
  if (!(await writeSuspend(context, place, key, suspend))) return;
  const idle = place.idleness();
  if (idle !== null) context.err(`Nothing acts on it yet: ${idle}`);
}

/** Answers false when it is so already. */
async function writeSuspend(context: CliContext, place: Place, key: ObjectKey, suspend: boolean): Promise<boolean> {
  for (;;) {
    const job = await existing(place.store, 'FlowJob', key);
    const { name } = job.metadata;
    if (job.spec.suspend === suspend) {
      context.out(`flowjob/${name} ${suspend ? already(job) : 'is not suspended'}`);
      return false;
    }
    try {
      await place.store.update<'FlowJob'>({ ...job, spec: { ...job.spec, suspend } });
      context.out(`flowjob/${name} ${suspend ? done(job) : 'resumed'}`);
      return true;
    } catch (error) {
      // The operator wrote in between: the change stands on its own, so it is made again.
      if (!(error instanceof StoreError && error.reason === 'Conflict')) throw error;
    }
  }
}

const FINISHED = 'has finished: there is nothing to suspend';

const already = (job: FlowJob): string => (hasFinished(job) ? FINISHED : 'is suspended already');

const done = (job: FlowJob): string =>
  hasFinished(job)
    ? `${FINISHED}; spec.suspend is true now and holds back another run that spec.restartNonce asks for`
    : 'suspended';

const hasFinished = (job: FlowJob): boolean => job.status?.state === 'Finished';
