// Which FlowJobs read which ConfigMap, so that the change of one wakes its readers and nobody else.
import type { FlowJob } from '../api/flowjob.ts';
import { idOf, type ObjectKey } from '../api/object.ts';

export class Readers {
  /** By ConfigMap, then by job. */
  private readonly byConfigMap = new Map<string, Map<string, ObjectKey>>();
  private readonly readBy = new Map<string, string>();

  note({ metadata: { namespace, name }, spec }: FlowJob, gone: boolean): void {
    const job = idOf({ namespace, name });
    const ref = gone ? undefined : spec.job.sql?.configMapKeyRef?.name;
    const now = ref === undefined ? undefined : idOf({ namespace, name: ref });
    const before = this.readBy.get(job);
    if (before === now) return;
    if (before !== undefined) {
      this.byConfigMap.get(before)?.delete(job);
      if (this.byConfigMap.get(before)?.size === 0) this.byConfigMap.delete(before);
      this.readBy.delete(job);
    }
    if (now === undefined) return;
    this.readBy.set(job, now);
    const readers = this.byConfigMap.get(now) ?? new Map<string, ObjectKey>();
    this.byConfigMap.set(now, readers.set(job, { namespace, name }));
  }

  of(configMap: ObjectKey): ObjectKey[] {
    return [...(this.byConfigMap.get(idOf(configMap))?.values() ?? [])];
  }
}
