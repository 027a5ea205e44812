// Flink's options of memory, read and reckoned with as Flink does it (org.apache.flink.runtime.util.config.memory.ProcessMemoryUtils and RangeFraction, and
// org.apache.flink.configuration.MemorySize).
import { parseMemorySize } from './memory-size.ts';

const MIB = 2 ** 20;

/** Flink's configuration as far as the spec says it. */
export type Config = Readonly<Record<string, string>>;

/** Keys of before FLIP-49, which Flink goes by where the newer one is not set. */
const OLDER: Config = {
  'taskmanager.memory.managed.size': 'taskmanager.memory.size',
  'taskmanager.memory.network.fraction': 'taskmanager.network.memory.fraction',
  'taskmanager.memory.network.min': 'taskmanager.network.memory.min',
  'taskmanager.memory.network.max': 'taskmanager.network.memory.max',
};

function textOf(config: Config, key: string): string | undefined {
  const older = OLDER[key];
  return config[key] ?? (older === undefined ? undefined : config[older]);
}

/** Bytes; undefined where it is not set. Throws RangeError for what is no size. */
export function sizeOf(config: Config, key: string): number | undefined {
  const text = textOf(config, key);
  return text === undefined ? undefined : parseMemorySize(text);
}

/** A fraction of a whole, between a least and a most, in bytes. */
export interface Share {
  /** Of its keys, without the dot before `fraction`, `min` and `max`. */
  prefix: string;
  /** A float of Java, as Flink has it. */
  fraction: number;
  min: number;
  max: number;
}

/** Throws RangeError for what Flink refuses. */
export function shareOf(config: Config, prefix: string, defaults: Omit<Share, 'prefix'>): Share {
  const fraction = fractionOf(config, `${prefix}.fraction`) ?? Math.fround(defaults.fraction);
  const min = sizeOf(config, `${prefix}.min`) ?? defaults.min;
  const max = sizeOf(config, `${prefix}.max`) ?? defaults.max;
  if (min > max)
    throw new RangeError(`engine.config: ${prefix}.min is above ${prefix}.max: lower one, or raise the other`);
  return { prefix, fraction, min, max };
}

const FLOAT = /^\s*\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[fd]?\s*$/i;

/** Undefined where it is not set. */
export function fractionOf(config: Config, key: string): number | undefined {
  const text = textOf(config, key);
  if (text === undefined) return undefined;
  const fraction = FLOAT.test(text) ? Math.fround(Number.parseFloat(text)) : Number.NaN;
  if (!(fraction >= 0 && fraction < 1))
    throw new RangeError(`engine.config: ${key} is "${text}": write a number from 0 to below 1`);
  return fraction;
}

/** Of the whole. */
export const part = (share: Share, whole: number): number => between(share, times(whole, share.fraction));

/** Of the whole that it makes up with `rest`. */
export const partBeside = (share: Share, rest: number): number =>
  between(share, times(rest, share.fraction / (1 - share.fraction)));

const between = ({ min, max }: Share, bytes: number): number => Math.max(min, Math.min(max, bytes));

/** Rounded down. Flink multiplies in decimals, which makes a difference of a byte where a product of doubles comes out whole. */
export function times(bytes: number, factor: number): number {
  const [digits, exponent] = factor.toExponential().split('e') as [string, string];
  const product = BigInt(bytes) * BigInt(digits.replace('.', ''));
  const places = (digits.split('.')[1]?.length ?? 0) - Number(exponent);
  return Number(places >= 0 ? product / 10n ** BigInt(places) : product * 10n ** BigInt(-places));
}

/** Returns what sizes in the configuration have left for a share. Throws RangeError where it does not take that. `role` as the spec names it. */
export function leftFor(share: Share, bytes: number, role: 'jobManager' | 'taskManager'): number {
  const { prefix, min, max } = share;
  if (bytes >= min && bytes <= max) return bytes;
  const left = bytes < 0 ? `take ${mebibytes(-bytes)} more than there is` : `leave ${mebibytes(bytes)}`;
  const wanted = max === Infinity ? `${mebibytes(min)} at least` : `${mebibytes(min)} to ${mebibytes(max)}`;
  throw new RangeError(
    `engine.config: the sizes of memory that it sets ${left}, and ${prefix} takes ${wanted}: change one of them, spec.${role}.resources.limits.memory, or ${prefix}.min and .max`,
  );
}

export const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MIB)}Mi`;
