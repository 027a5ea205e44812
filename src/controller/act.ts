// Carries out one action. Each may have been carried out before: the ids in it make the call the same call.
import type { FlowJob } from '../api/flowjob.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import { EngineClientError, type EngineClient } from '../engine-client/engine-client.ts';
import type { Action, ObjectAction } from '../lifecycle/model.ts';
import type { Runtime } from '../runtime/port.ts';
import { refusalOf } from './engine-scale.ts';

/** `job` has the status that was just written. `onRefusal`: the engine does not rescale. Throws what the runtime throws; an engine that does not answer is asked again in the next pass. */
export async function act(
  action: Exclude<Action, ObjectAction>,
  job: FlowJob,
  runtime: Runtime,
  engine: EngineClient | null,
  onRefusal: (message: string) => void,
): Promise<void> {
  const { attempt, accepted } = job.status ?? {};
  const key = job.metadata;
  const { state, jobManager } = accepted?.spec ?? job.spec;
  const place = { key, storage: state.storage, podTemplate: jobManager.podTemplate };
  switch (action.kind) {
    case 'EnsureProcesses':
      // The decision and the status it was written with are of one mind; anything else is a pass that came too late.
      if (attempt?.epoch === action.epoch && accepted !== undefined)
        await runtime.ensureProcesses(
          { key, uid: key.uid, attempt, spec: accepted.spec, taskManagerMemory: decidedMemory(job, accepted.spec) },
          action.skip,
          action.only,
        );
      return;
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
      return runtime.disposeSavepoint(place, action);
    case 'RemoveState':
      return runtime.removeState(place);
  }
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
