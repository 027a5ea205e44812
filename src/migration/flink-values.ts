// Values as Flink writes them (its classes TimeUtils, MemorySize, StructuredOptionsSplitter) in the forms that Kubernetes and FlowJob have.
import { quantityValue } from '../api/schema-kit.ts';

const MILLISECONDS: readonly (readonly [RegExp, number])[] = [
  [/^(d|days?)$/, 86_400_000],
  [/^(h|hours?)$/, 3_600_000],
  [/^(m|min|minutes?)$/, 60_000],
  [/^(s|secs?|seconds?)$/, 1000],
  [/^(|ms|millis?|milliseconds?)$/, 1],
];
const SHORTER_THAN_A_MILLISECOND: readonly (readonly [RegExp, number])[] = [
  [/^([µμ]s|micros?|microseconds?)$/, 1000],
  [/^(ns|nanos?|nanoseconds?)$/, 1_000_000],
];

/** Milliseconds of Flink's `1 min`, `10s`, `500` (milliseconds); null when it is none. */
export function flinkDurationMs(text: string): number | null {
  const match = /^([0-9]+)\s*([^\s0-9]*)$/.exec(text.trim());
  if (match === null) return null;
  const unit = match[2]!.toLowerCase();
  const whole = MILLISECONDS.find(([names]) => names.test(unit));
  const part = SHORTER_THAN_A_MILLISECOND.find(([names]) => names.test(unit));
  const ms =
    whole !== undefined
      ? Number(match[1]) * whole[1]
      : part !== undefined
        ? Math.ceil(Number(match[1]) / part[1])
        : NaN;
  return Number.isSafeInteger(ms) ? ms : null;
}

/** A duration as FlowJob writes it, in the largest unit that it is a whole number of: `5m`, `90s`. */
export function durationText(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const)
    if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}

const BYTES: readonly (readonly [RegExp, number])[] = [
  [/^(|b|bytes)$/, 1],
  [/^(k|kb|kibibytes)$/, 2 ** 10],
  [/^(m|mb|mebibytes)$/, 2 ** 20],
  [/^(g|gb|gibibytes)$/, 2 ** 30],
  [/^(t|tb|tebibytes)$/, 2 ** 40],
];

/** Bytes of a memory size. As the other operator does it: Flink's units first (`2048m` are mebibytes, `2g` gibibytes), then Kubernetes' (`2Gi`). Null: neither. */
export function memoryBytes(value: string | number): number | null {
  const text = String(value).trim();
  const match = /^([0-9]+)\s*([a-zA-Z]*)$/.exec(text);
  const unit = match === null ? undefined : BYTES.find(([names]) => names.test(match[2]!.toLowerCase()));
  if (match !== null && unit !== undefined) return safe(Number(match[1]) * unit[1]);
  try {
    return safe(quantityValue(inKubernetesUnits(text)));
  } catch {
    return null;
  }
}

/** `2gi`, `2 GiB`, `2Gi`: the other operator takes them all (ResourceConfigUtils.formatMemoryStringForK8sSpec). */
const inKubernetesUnits = (text: string): string =>
  text.replaceAll(/\s/g, '').toUpperCase().replace(/B$/, '').replace(/I$/, 'i');

const safe = (bytes: number): number | null => (Number.isFinite(bytes) && bytes <= 2 ** 53 ? Math.ceil(bytes) : null);

/** A quantity of Kubernetes for so many bytes, in the largest binary unit that they are a whole number of. */
export function memoryQuantity(bytes: number): string {
  for (const [unit, size] of [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const)
    if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  return String(bytes);
}

/** A quantity of Kubernetes for CPU cores, thousandths at the least: `1`, `1500m`. Null when it is no number of cores. */
export function cpuQuantity(value: string | number, factor = 1): string | null {
  let cores: number;
  try {
    cores = typeof value === 'number' ? value : quantityValue(value.trim());
  } catch {
    return null;
  }
  const thousandths = Math.ceil(Number((cores * factor * 1000).toFixed(6)));
  if (!Number.isSafeInteger(thousandths) || thousandths <= 0) return null;
  return thousandths % 1000 === 0 ? String(thousandths / 1000) : `${thousandths}m`;
}

/** Flink's Boolean; null when it is none. */
export function flinkBoolean(text: string): boolean | null {
  const word = text.trim().toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : null;
}

/** Parts of a list option. Flink parts at `;`, options that Kubernetes reads at `,` as well; quotes are taken off. */
export function flinkList(text: string, separator: RegExp = /;/): string[] {
  return text
    .split(separator)
    .map((part) => unquoted(part.trim()))
    .filter((part) => part !== '');
}

/** A map option: `a:1,b:2`. Null when a part has no colon. */
export function flinkMap(text: string): Record<string, string> | null {
  const entries = flinkList(text, /,/).map((part): [string, string] | null => {
    const colon = part.indexOf(':');
    return colon < 1 ? null : [unquoted(part.slice(0, colon).trim()), unquoted(part.slice(colon + 1).trim())];
  });
  return entries.some((entry) => entry === null) ? null : Object.fromEntries(entries as [string, string][]);
}

function unquoted(text: string): string {
  return /^'.*'$|^".*"$/.test(text) ? text.slice(1, -1) : text;
}
