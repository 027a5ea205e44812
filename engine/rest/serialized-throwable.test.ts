import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { forgetKnownSecrets } from '../secret-references.ts';
import { failureCause } from './serialized-throwable.ts';

const CLASS = 'org.apache.flink.util.FlinkException';
const bytesOf = (cause: ReturnType<typeof failureCause>): Buffer =>
  Buffer.from(cause['serialized-throwable'], 'base64');

const SECRET = `FLOWJOB_SECRET_${'A1'.repeat(12)}`;
afterEach(() => {
  delete process.env[SECRET];
  forgetKnownSecrets();
});

/** What Java's DataInput.readUTF makes of modified UTF-8. */
function decode(bytes: Buffer): string {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i++]!;
    if (first < 0x80) text += String.fromCharCode(first);
    else if (first < 0xe0) text += String.fromCharCode(((first & 0x1f) << 6) | (bytes[i++]! & 0x3f));
    else text += String.fromCharCode(((first & 0xf) << 12) | ((bytes[i++]! & 0x3f) << 6) | (bytes[i++]! & 0x3f));
  }
  return text;
}

/** The string objects behind the class descriptions: message, stack trace, class. */
function strings(bytes: Buffer): string[] {
  let at = bytes.indexOf('7870', 'hex') + 2;
  const read = (): string => {
    const long = bytes[at] === 0x7c;
    const length = long ? Number(bytes.readBigInt64BE(at + 1)) : bytes.readUInt16BE(at + 1);
    const from = at + (long ? 9 : 3);
    at = from + length;
    return decode(bytes.subarray(from, at));
  };
  const message = read();
  expect(bytes[at++]).toBe(0x78);
  const [stackTrace, className] = [read(), read()];
  expect(at).toBe(bytes.length);
  return [message, stackTrace, className];
}

test('the classes are described as Flink describes them: by name, version and kind', () => {
  const file = join(__dirname, '../../test/fixtures/flink-2.3/job_savepoints_status_failed.json');
  const { operation } = JSON.parse(readFileSync(file, 'utf8')) as {
    operation: { 'failure-cause': ReturnType<typeof failureCause> };
  };
  const [recorded, ours] = [bytesOf(operation['failure-cause']), bytesOf(failureCause(CLASS, 'x'))];
  expect(ours.subarray(0, 4)).toEqual(recorded.subarray(0, 4));
  for (const name of ['org.apache.flink.util.SerializedThrowable', 'java.lang.Exception', 'java.lang.Throwable']) {
    const described = (bytes: Buffer): Buffer => {
      const at = bytes.indexOf(name);
      return bytes.subarray(at - 3, at + name.length + 9);
    };
    expect(described(ours)).toEqual(described(recorded));
  }
});

test('whatever the text, its first line is the message and all of it the stack trace', () => {
  const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
  const text = fc.string({ unit });
  fc.assert(
    fc.property(text, text, (first, rest) => {
      const stackTrace = `${first}\n${rest}`;
      const [message] = stackTrace.split('\n');
      expect(strings(bytesOf(failureCause(CLASS, stackTrace)))).toEqual([message, stackTrace, CLASS]);
    }),
    { examples: [['\0é€😀', 'x'.repeat(70_000)]] },
  );
});

test('a client that puts the class before the message does not show it twice', () => {
  const [message, stackTrace] = strings(bytesOf(failureCause(CLASS, `${CLASS}: disk full\n  at f`)));
  expect(message).toBe('disk full');
  expect(stackTrace).toBe(`${CLASS}: disk full\n  at f`);
});

test('a secret is masked before its text is encoded', () => {
  process.env[SECRET] = 'hunter2';
  forgetKnownSecrets();
  const cause = failureCause(CLASS, 'cannot log in with hunter2');
  expect(cause['stack-trace']).toBe('cannot log in with ******');
  expect(bytesOf(cause).includes('hunter2')).toBe(false);
});
