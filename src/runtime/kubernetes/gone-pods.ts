// How processes ended whose pods somebody else has deleted. A pod that is deleted is there for a moment only after its end, or not at all after a forced deletion:
// a busy operator would find nothing in its place, and would tell nobody that anything was lost.
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { ProcessView } from '../../lifecycle/observation.ts';
import { jobOf } from './pod-cache.ts';
import { processOf, whyDeleted, type Pod } from './pod-view.ts';

export class GonePods {
  /** By job: of its newest attempt alone. In memory: another operator finds nothing, and knows that much. */
  private readonly gone = new Map<string, ProcessView[]>();

  /** `now`: milliseconds since the epoch. */
  note(pod: Pod, now: number): void {
    const process = processOf(pod);
    if (process === null) return;
    const { pending: _pending, deleted: _deleted, ...view } = process;
    const exit = view.exit ?? { at: now, asked: true, reason: whyDeleted(pod) };
    const known = this.gone.get(jobOf(pod)) ?? [];
    const newest = Math.max(view.epoch, ...known.map(({ epoch }) => epoch));
    const kept = [...known, { ...view, state: 'Exited' as const, exit }].filter(({ epoch }) => epoch === newest);
    this.gone.set(jobOf(pod), kept);
  }

  of(key: ObjectKey): readonly ProcessView[] {
    return this.gone.get(idOf(key)) ?? [];
  }

  forget(key: ObjectKey): void {
    this.gone.delete(idOf(key));
  }
}
