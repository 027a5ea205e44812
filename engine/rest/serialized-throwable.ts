// A failure as Java's object serialization writes Flink's SerializedThrowable: Flink's clients decode it before they tell what went wrong. Without a whole
// one they take the answer for a broken one and ask again until their time is over.
import { redact } from '../secret-references.ts';

const OBJECT = 0x73;
const CLASS_DESCRIPTION = 0x72;
const NULL = 0x70;
const STRING = 0x74;
const LONG_STRING = 0x7c;
const END = 0x78;
const SERIALIZABLE = 2;
/** Its class has a writeObject: END follows its fields. */
const WRITE_METHOD = 1;
const STREAM_HEADER = [0xac, 0xed, 0, 5];

const SERIALIZED_THROWABLE = 'org.apache.flink.util.SerializedThrowable';

/** Java's modified UTF-8: each UTF-16 unit by itself, and zero in two bytes. */
function modifiedUtf8(text: string): Buffer {
  const bytes = Buffer.alloc(3 * text.length);
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit !== 0 && unit < 0x80) {
      bytes[end++] = unit;
      continue;
    }
    if (unit < 0x800) bytes[end++] = 0xc0 | (unit >> 6);
    else {
      bytes[end++] = 0xe0 | (unit >> 12);
      bytes[end++] = 0x80 | ((unit >> 6) & 0x3f);
    }
    bytes[end++] = 0x80 | (unit & 0x3f);
  }
  return bytes.subarray(0, end);
}

const u8 = (...values: number[]): Buffer => Buffer.from(values);
const u16 = (value: number): Buffer => u8(value >> 8, value & 0xff);

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function name(text: string): Buffer {
  const bytes = modifiedUtf8(text);
  return Buffer.concat([u16(bytes.length), bytes]);
}

function stringObject(text: string): Buffer {
  const bytes = modifiedUtf8(text);
  const head = bytes.length < 0x1_0000 ? [u8(STRING), u16(bytes.length)] : [u8(LONG_STRING), u64(BigInt(bytes.length))];
  return Buffer.concat([...head, bytes]);
}

/** `version` is the class's serialVersionUID; `fields` are the strings that the stream holds of it, sorted. */
function classDescription(type: string, version: bigint, flags: number, fields: string[]): Buffer {
  const described = fields.flatMap((field) => [Buffer.from('L'), name(field), stringObject('Ljava/lang/String;')]);
  const head = [u8(CLASS_DESCRIPTION), name(type), u64(version), u8(flags), u16(fields.length)];
  return Buffer.concat([...head, ...described, u8(END)]);
}

const DESCRIPTION = Buffer.concat([
  classDescription(SERIALIZED_THROWABLE, 7284183123441947635n, SERIALIZABLE, [
    'fullStringifiedStackTrace',
    'originalErrorClassName',
  ]),
  classDescription('java.lang.Exception', -3387516993124229948n, SERIALIZABLE, []),
  classDescription('java.lang.Throwable', -3042686055658047285n, SERIALIZABLE | WRITE_METHOD, ['detailMessage']),
  u8(NULL),
]);

/** In base64. Fields that are not written are null to who reads: no cause, and no original exception, for which SerializedThrowable then stands. */
function serializedThrowable(className: string, message: string, stackTrace: string): string {
  const ofThrowable = [stringObject(message), u8(END)];
  const ofSerializedThrowable = [stringObject(stackTrace), stringObject(className)];
  const object = [u8(OBJECT), DESCRIPTION, ...ofThrowable, ...ofSerializedThrowable];
  return Buffer.concat([u8(...STREAM_HEADER), ...object]).toString('base64');
}

/** Flink's SerializedThrowableSerializer. `className` is an exception's; `stackTrace` begins with what went wrong, in a line that may begin with the class. */
export function failureCause(className: string, stackTrace: string) {
  // In base64 a secret would not be found any more.
  const told = redact(stackTrace);
  const [first] = told.split('\n', 1);
  const prefix = `${className}: `;
  // Who prints it puts the class before it.
  const message = first!.startsWith(prefix) ? first!.slice(prefix.length) : first!;
  return {
    class: className,
    'stack-trace': told,
    'serialized-throwable': serializedThrowable(className, message, told),
  };
}
