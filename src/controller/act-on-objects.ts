// Carries out what a decision does to objects of the API. Each may have been carried out before.
import { API_VERSION, JOB_LABEL, SCHEDULED_AT_ANNOTATION, SCHEDULED_LABEL } from '../api/group.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { Action, ObjectAction } from '../lifecycle/model.ts';
import { StoreError, type Store } from '../store/port.ts';

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
      case 'DeleteJob': {
        // Another FlowJob may have come under the name since.
        const current = await store.get('FlowJob', { namespace, name });
        if (current?.metadata.uid === metadata.uid) await store.delete('FlowJob', { namespace, name });
        return;
      }
    }
  } catch (error) {
    if (!(error instanceof StoreError) || (error.reason !== 'AlreadyExists' && error.reason !== 'NotFound'))
      throw error;
  }
}
