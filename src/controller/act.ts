// Carries out one action. Each may have been carried out before: the ids in it make the call the same call.
import type { FlowJob } from '../api/flowjob.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { Prepared } from '../api/status.ts';
import { EngineClient, EngineClientError } from '../engine-client/engine-client.ts';
import type { Action, ObjectAction } from '../lifecycle/model.ts';
import { preparedAttempt } from '../lifecycle/prepared.ts';
import type { AttemptPlan, Runtime } from '../runtime/port.ts';
import { refusalOf } from './engine-scale.ts';
import { runOf, submissionOf, SUBMISSION_LIMIT, type Submissions } from './submissions.ts';

/** What hears answers that no later look at the world would show. */
export interface Answers {
  /** The engine does not rescale. */
  onRefusal: (message: string) => void;
  submissions: Submissions;
}

/** `job` has the status that was just written. Throws what the runtime throws; an engine that does not answer is asked again in the next pass. */
export async function act(
  action: Exclude<Action, ObjectAction>,
  job: FlowJob,
  runtime: Runtime,
  engine: EngineClient | null,
  { onRefusal, submissions }: Answers,
): Promise<void> {
  const { attempt, accepted, prepared } = job.status ?? {};
  const key = job.metadata;
  const {
    engine: { type },
    state,
    jobManager,
  } = accepted?.spec ?? job.spec;
  const place = { key, engine: type, storage: state.storage, podTemplate: jobManager.podTemplate };
  switch (action.kind) {
    case 'EnsureProcesses':
      if (prepared?.epoch === action.epoch && prepared.spec !== undefined)
        return runtime.ahead?.ensure(preparedPlan(job, { ...prepared, spec: prepared.spec }));
      // The decision and the status it was written with are of one mind; anything else is a pass that came too late.
      if (attempt?.epoch === action.epoch && accepted !== undefined)
        await runtime.ensureProcesses(
          { key, uid: key.uid, attempt, spec: accepted.spec, taskManagerMemory: decidedMemory(job, accepted.spec) },
          action.skip,
          action.only,
        );
      return;
    case 'SubmitJob':
      if (attempt?.epoch === action.epoch && attempt.jobId === action.jobId && accepted !== undefined)
        await submit({ key, uid: key.uid, attempt, spec: accepted.spec }, runtime, submissions);
      return;
    case 'DropPrepared':
      return runtime.ahead?.drop(key, action.epoch);
    case 'StopProcesses':
      return runtime.stopProcesses(key, action.epoch, action.graceful);
    case 'StopTaskManagers':
      return runtime.stopTaskManagers(key, action.epoch, action.keep);
    case 'Rescale':
      return ask(
        engine?.updateResourceRequirements(action.jobId, action.bounds).catch((error: unknown) => {
          onRefusal(refusalOf(error));
        }),
      );
    case 'TriggerCheckpoint':
      return ask(engine?.triggerCheckpoint(action.jobId, action.triggerId));
    case 'TriggerSavepoint':
      return ask(engine?.triggerSavepoint(action.jobId, action.triggerId));
    case 'StopWithSavepoint':
      return ask(engine?.stopWithSavepoint(action.jobId, action.triggerId));
    case 'CancelJob':
      return ask(engine?.cancel(action.jobId));
    case 'DisposeSavepoint':
      return runtime.disposeSavepoint({ ...place, engine: action.engine }, action);
    case 'RemoveState':
      return runtime.removeState(place);
  }
}

/** Beside this pass: the program has to be planned first. */
async function submit(plan: AttemptPlan, runtime: Runtime, submissions: Submissions): Promise<void> {
  const { ahead } = runtime;
  const { key, attempt } = plan;
  const question = submissionOf(attempt);
  if (ahead === null || !submissions.isDue(runOf(key), question)) return;
  const connection = await runtime.connection(key, attempt);
  if (connection === null) return;
  await ahead.takeOver(plan);
  const client = new EngineClient({ ...connection, timeoutMs: SUBMISSION_LIMIT });
  submissions.ask(runOf(key), question, async () => client.submit(ahead.submission(plan)));
}

export const preparedPlan = (
  job: FlowJob,
  { spec, ...prepared }: Prepared & { spec: ResolvedFlowJobSpec },
): AttemptPlan => ({
  key: job.metadata,
  uid: job.metadata.uid,
  attempt: preparedAttempt(prepared),
  spec,
  taskManagerMemory: decidedMemory(job, spec),
  beside: runningOf(job),
});

function runningOf({ status }: FlowJob): AttemptPlan['beside'] {
  const { attempt, accepted } = status ?? {};
  return attempt === undefined || accepted === undefined ? undefined : { attempt, spec: accepted.spec };
}

/** What the autoscaler has decided that TaskManagers get; undefined: what the spec says, also where it says something else than when that was decided. */
export function decidedMemory(
  { status }: Pick<FlowJob, 'status'>,
  { taskManager }: Pick<ResolvedFlowJobSpec, 'taskManager'>,
): string | undefined {
  const { applies, memory, memoryApplies, memoryInSpec } = status?.autoscaling ?? {};
  const isOfThis = memoryInSpec === String(taskManager.resources.limits.memory);
  return applies === true && memoryApplies === true && isOfThis ? memory : undefined;
}

/** Silence, and refusals that say the job is over (404, 409), show in the next observation. */
async function ask(call: Promise<unknown> | undefined): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof EngineClientError)) throw error;
    if (error.httpStatus !== null && ![404, 409, 503].includes(error.httpStatus)) throw error;
  }
}
