// The version that is to take over from one that runs, and its images: the running version is not stopped for one that cannot be started.
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import { shorten } from './conditions.ts';
import { isDeleting } from './facts.ts';
import type { Context, DecidedEvent, Report } from './model.ts';
import { remedyOf } from './processes.ts';

/**
 * The version that takes over as soon as its images are there; null when none is to, or there is nothing to be kept going for it: a job is only lost or on its
 * way back while another attempt of its version can be made, and one that has never run is replaced at once.
 */
export function versionToCome(c: Context): ResolvedFlowJobSpec | null {
  const { state, attempt } = c.status;
  if (c.change.kind !== 'Restart' || c.desired.suspend || isDeleting(c) || attempt === undefined) return null;
  if (state === 'Running' || (state === 'Recovering' && attempt.ended === undefined)) return c.desired;
  return state === 'Starting' && attempt.startedAt !== attempt.runStartedAt ? c.desired : null;
}

/** The running version goes on, at least until it is known that the images of the next one can be had. */
export const waitsForImages = (c: Context): boolean =>
  versionToCome(c) !== null && c.observation.newImages !== undefined;

/** It is known that they cannot, which may last. */
export const lacksImages = (c: Context): boolean => waitsForImages(c) && c.observation.newImages?.trouble !== null;

/** How a job is that runs as the version before; null when it waits for no image. */
export function reportOfImages(c: Context): Report | null {
  if (!waitsForImages(c)) return null;
  const trouble = c.observation.newImages?.trouble ?? null;
  if (trouble === null)
    return {
      kind: 'Progressing',
      reason: 'Upgrading',
      message: 'The running version goes on until it is known that the image of the new one can be had.',
    };
  return { kind: 'Progressing', reason: 'PodNotStarting', message: textOf(trouble) };
}

/** When it is put on record, and not again while it stands there. */
export function eventsOfImages(c: Context): DecidedEvent[] {
  const trouble = c.observation.newImages?.trouble ?? null;
  if (!waitsForImages(c) || trouble === null) return [];
  const known = c.status.conditions.some(({ message }) => message.includes(remedyOf(trouble)));
  return known ? [] : [{ savepoint: null, type: 'Warning', reason: 'PodNotStarting', message: textOf(trouble) }];
}

const textOf = (trouble: string): string =>
  shorten(`The running version goes on, for the image of the new one cannot be had. ${trouble}`);
