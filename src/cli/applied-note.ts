// What is added to the answer of `flowjob apply` when the change alone brings nothing about.
import type { AnyObject } from '../store/port.ts';

/** For a job that has finished, which only another spec.restartNonce runs again; empty where there is nothing to say. */
export function appliedNote(object: AnyObject, outcome: string): string {
  if (object.kind !== 'FlowJob' || outcome !== 'configured' || object.status?.state !== 'Finished') return '';
  const { accepted, batch } = object.status;
  const nonce = object.spec.restartNonce;
  const another = nonce !== accepted?.spec.restartNonce && nonce !== batch?.restartNonce;
  return another ? '' : '; it has finished, so nothing is run for that: raise spec.restartNonce to run it again';
}
