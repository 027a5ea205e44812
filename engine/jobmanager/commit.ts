// Makes visible what sinks have written: where each committable belongs, and that under the fence. Committables do not say where themselves, so that a
// savepoint can be carried anywhere.
import type { AcquiredAttempt } from '../checkpoint/attempt.ts';
import type { CheckpointStorage, Manifest } from '../checkpoint/storage.ts';
import type { Committable, Committer } from '../connectors/connector.ts';
import type { Connectors } from '../connectors/registry.ts';
import { EngineError } from '../errors.ts';
import { operatorsOf, type ExecPlan, type SinkSpec } from '../plan/exec-plan.ts';

/** Where the sinks of a job write, by operator id: those whose output is committed. */
export type Outputs = Readonly<Record<string, string>>;

export interface Placed {
  committable: Committable;
  place: string;
}

export function outputsOf(connectors: Connectors, plan: ExecPlan): Outputs {
  return Object.fromEntries(
    operatorsOf<SinkSpec>(plan, 'Sink').flatMap(({ id, table }) => {
      const { committer } = connectors.sink(table);
      return committer === undefined ? [] : [[id, committer.place(table)]];
    }),
  );
}

/**
 * What a checkpoint or savepoint holds, with where it is. That is where the sink of the same operator id writes now; else where the job that took it is known
 * to have written: its text may have been another. In neither place: an error, for the rows of a completed checkpoint are lost.
 *
 * `carried`: a savepoint of another job. What it holds was to be visible before that job ended; where the outputs of that job are gone, or it had its state
 * elsewhere, the savepoint was carried to where its output is not, and that is left out.
 */
export async function placesOf(
  storage: CheckpointStorage,
  connectors: Connectors,
  { jobId, committables }: Pick<Manifest, 'jobId' | 'committables'>,
  outputs: Outputs,
  carried: boolean,
): Promise<Placed[]> {
  if (committables.length === 0) return [];
  const recorded = await storage.readOutputs(jobId);
  const placed: Placed[] = [];
  for (const committable of committables) {
    const committer = connectors.committer(committable.connector);
    const { places, before } = candidates(committer, committable, outputs, recorded);
    const place =
      (await first(places, async (one) => committer.holds(one, committable))) ??
      (carried ? await first(before, async (one) => !(await committer.isEmpty(one))) : places[0]);
    if (place !== undefined) placed.push({ committable, place });
    else if (!carried) throw placeless(committable);
  }
  return placed;
}

/** Whether all that a checkpoint or savepoint of the job itself holds is still there, visible or not yet. */
export async function isHeld(
  storage: CheckpointStorage,
  connectors: Connectors,
  { jobId, committables }: Pick<Manifest, 'jobId' | 'committables'>,
): Promise<boolean> {
  if (committables.length === 0) return true;
  const recorded = await storage.readOutputs(jobId);
  for (const committable of committables) {
    const committer = connectors.committer(committable.connector);
    const { places } = candidates(committer, committable, {}, recorded);
    if ((await first(places, async (one) => committer.holds(one, committable))) === undefined) return false;
  }
  return true;
}

/** Where a committable may be: where its sink writes now, and `before`, where the job is known to have written. */
function candidates(
  committer: Committer,
  committable: Committable,
  outputs: Outputs,
  recorded: ReadonlyMap<string, string[]>,
): { places: string[]; before: string[] } {
  const { operatorId = '' } = committable;
  const former = committer.formerPlace(committable);
  const before = former === null ? (recorded.get(operatorId) ?? []) : [former];
  const now = former === null ? outputs[operatorId] : undefined;
  const places = now === undefined ? before : [now, ...before];
  return { places, before };
}

/** Makes visible what the job's own tasks have written. */
export async function commitOwn(
  storage: CheckpointStorage,
  connectors: Connectors,
  attempt: AcquiredAttempt,
  committables: Committable[],
  outputs: Outputs,
): Promise<void> {
  const placed = committables.map((committable) => {
    const place = outputs[committable.operatorId ?? ''];
    if (place === undefined) throw placeless(committable);
    return { committable, place };
  });
  await commitAll(storage, connectors, attempt, placed);
}

/**
 * Makes visible what a job that has ended wrote last. Whether that was done before is not known: what is there under neither name has been taken away by
 * its readers, or is lost for good. It is told, and nothing else has to wait for it.
 */
export async function commitLast(
  storage: CheckpointStorage,
  connectors: Connectors,
  attempt: AcquiredAttempt,
  manifest: Pick<Manifest, 'jobId' | 'committables'>,
  log: (message: string) => void,
): Promise<void> {
  const there: Placed[] = [];
  for (const one of await placesOf(storage, connectors, manifest, {}, false)) {
    const { committable, place } = one;
    if (await connectors.committer(committable.connector).holds(place, committable)) there.push(one);
    else
      log(
        `what the job wrote last to ${place} is not there any more, visible or not: ${JSON.stringify(committable.payload)}`,
      );
  }
  await commitAll(storage, connectors, attempt, there);
}

/** Makes committables visible, place by place, under the fence. */
export async function commitAll(
  storage: CheckpointStorage,
  connectors: Connectors,
  attempt: AcquiredAttempt,
  placed: Placed[],
): Promise<void> {
  await storage.assertAttempt(attempt);
  const groups = Map.groupBy(placed, ({ committable, place }) => `${committable.connector} ${place}`);
  for (const group of groups.values()) {
    const [{ committable, place }] = group as [Placed];
    await connectors.committer(committable.connector).commit(
      place,
      group.map((one) => one.committable),
    );
  }
}

function placeless({ connector, operatorId = '', payload }: Committable): EngineError {
  return new EngineError(
    'SINK_LOST',
    `where sink ${operatorId} has written is not known: ${connector} ${JSON.stringify(payload)} of a completed checkpoint cannot be made visible`,
    { hint: 'bring the sink back, or restore from a savepoint' },
  );
}

async function first(places: string[], holds: (place: string) => Promise<boolean>): Promise<string | undefined> {
  for (const place of places) if (await holds(place)) return place;
  return undefined;
}
