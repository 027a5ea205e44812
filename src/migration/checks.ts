// Types of fields: what cannot be read is refused, with the remedy, before anything is written.
import { nearest, show } from '../api/schema-check.ts';
import type { Hand } from './rules.ts';

/** A text that is not empty. Null: it was refused. */
export function textIn(value: unknown, hand: Hand): string | null {
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  hand.refuse(`Invalid value: ${show(value)}: must be a string that is not empty`, 'write it as text, or remove it');
  return null;
}

/** A whole number from `least` on. Null: it was refused. */
export function wholeIn(value: unknown, hand: Hand, least: number): number | null {
  const number = typeof value === 'string' && /^-?[0-9]+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least) return number;
  hand.refuse(`Invalid value: ${show(value)}: must be a whole number from ${least} on`, `write ${least} or more`);
  return null;
}

/** What one of a few words stands for. Null: it was refused. */
export function wordIn<T>(value: unknown, hand: Hand, words: Readonly<Record<string, T>>): T | null {
  if (typeof value === 'string' && Object.hasOwn(words, value)) return words[value]!;
  const known = Object.keys(words);
  const near = typeof value === 'string' ? nearest(value, known) : null;
  hand.refuse(
    `Unsupported value: ${show(value)}: supported values: ${known.map(show).join(', ')}`,
    near === null ? `write ${known.join(' or ')}` : `did you mean ${show(near)}?`,
  );
  return null;
}

export function booleanIn(value: unknown, hand: Hand): boolean | null {
  return wordIn(typeof value === 'boolean' ? String(value) : value, hand, { true: true, false: false });
}

/** A number of Flink's configuration between two bounds; told of, and null, when it is none. */
export function numberOf(text: string, hand: Hand, least: number, most: number): number | null {
  const number = text.trim() === '' ? NaN : Number(text);
  if (number >= least && number <= most) return number;
  hand.toDo(`${show(text)} is no number from ${least} to ${most}, which this field takes`);
  return null;
}

/** The format of savepoints, of which a FlowJob has one. */
export function canonical(value: unknown, hand: Hand): void {
  if (String(value).trim().toUpperCase() === 'CANONICAL') hand.nothingToDo('is the format that all savepoints have');
  else hand.toDo('savepoints are taken in the canonical format, which takes longer for large state');
}
