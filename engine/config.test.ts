// Durations and sizes of the configuration, in the forms that Flink takes.
import { parseBytes, parseDuration } from './config.ts';

test.each([
  ['500', 500],
  ['500ms', 500],
  ['3 milliseconds', 3],
  ['10 s', 10_000],
  ['1 sec', 1000],
  ['2 seconds', 2000],
  ['5min', 300_000],
  ['5 m', 300_000],
  ['1 minute', 60_000],
  ['1 h', 3_600_000],
  ['12 hours', 43_200_000],
  ['7d', 604_800_000],
  ['2 Days', 172_800_000],
])('%s is %d ms', (text, milliseconds) => {
  expect(parseDuration(text, 'key')).toBe(milliseconds);
});

test.each([
  ['1024', 1024],
  ['64k', 65_536],
  ['512m', 2 ** 29],
  ['512 MiB', 2 ** 29],
  ['2gb', 2 ** 31],
  ['1.5g', 1.5 * 2 ** 30],
  ['100 bytes', 100],
])('%s is %d bytes', (text, bytes) => {
  expect(parseBytes(text, 'key')).toBe(bytes);
});

test.each(['', 'a while', '1 hs', '5 fortnights', '-1 s', '1 h 30 min'])('"%s" is no duration', (text) => {
  expect(() => parseDuration(text, 'some.key')).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('some.key') as string,
    }) as Error,
  );
});

test.each(['', 'much', '1x', '-1m'])('"%s" is no size', (text) => {
  expect(() => parseBytes(text, 'some.key')).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('some.key') as string,
    }) as Error,
  );
});
