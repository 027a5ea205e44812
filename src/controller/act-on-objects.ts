// Carries out what a decision does to objects of the API. Each may have been carried out before.
import { API_VERSION, JOB_LABEL, SCHEDULED_AT_ANNOTATION, SCHEDULED_LABEL } from '../api/group.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { Action, ObjectAction } from '../lifecycle/model.ts';
import { StoreError, type Store, type StoreErrorReason } from '../store/port.ts';

/** Refusals that say that it was carried out before, or that there is nothing left to do. */
const DONE: Record<ObjectAction['kind'], readonly StoreErrorReason[]> = {
  CreateSavepoint: ['AlreadyExists'],
  DeleteSavepoint: ['NotFound'],
  DeleteJob: ['NotFound', 'Conflict'],
};

export const isObjectAction = (action: Action): action is ObjectAction =>
  action.kind === 'CreateSavepoint' || action.kind === 'DeleteSavepoint' || action.kind === 'DeleteJob';

export async function actOnObjects(action: ObjectAction, { metadata }: FlowJob, store: Store): Promise<void> {
  const { namespace, name } = metadata;
  try {
    switch (action.kind) {
      case 'CreateSavepoint':
        await store.create<'FlowSavepoint'>({
          apiVersion: API_VERSION,
          kind: 'FlowSavepoint',
          metadata: {
            name: action.name,
            namespace,
            labels: { [JOB_LABEL]: name, [SCHEDULED_LABEL]: 'true' },
            annotations: { [SCHEDULED_AT_ANNOTATION]: action.scheduledAt },
          },
          spec: { jobRef: { name }, disposalPolicy: 'Delete' },
        });
        return;
      case 'DeleteSavepoint':
        await store.delete('FlowSavepoint', { namespace, name: action.name });
        return;
      case 'DeleteJob':
        // Another FlowJob may have come under the name since; what is known here may not tell yet.
        await store.delete('FlowJob', { namespace, name }, metadata.uid);
        return;
    }
  } catch (error) {
    if (!(error instanceof StoreError) || !DONE[action.kind].includes(error.reason)) throw error;
  }
}
