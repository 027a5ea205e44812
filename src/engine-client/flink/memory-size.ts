// Flink's way to write an amount of memory (org.apache.flink.configuration.MemorySize). Its units are powers of 1024, unlike Kubernetes'.

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  bytes: 1,
  k: 2 ** 10,
  kb: 2 ** 10,
  kibibytes: 2 ** 10,
  m: 2 ** 20,
  mb: 2 ** 20,
  mebibytes: 2 ** 20,
  g: 2 ** 30,
  gb: 2 ** 30,
  gibibytes: 2 ** 30,
  t: 2 ** 40,
  tb: 2 ** 40,
  tebibytes: 2 ** 40,
};

/** Bytes. Throws RangeError for what Flink does not read either. */
export function parseMemorySize(text: string): number {
  const [, number, unit = ''] = /^\s*([0-9]+)\s*([a-zA-Z]*)\s*$/.exec(text) ?? [];
  const factor = UNITS[unit.toLowerCase()];
  if (number === undefined || factor === undefined)
    throw new RangeError(`"${text}" is not a size of memory as Flink writes it: write for example 512m or 2g`);
  return Number(number) * factor;
}
