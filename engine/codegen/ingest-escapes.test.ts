// Escapes and doubled quotes against JSON.parse and replaceAll.
import fc from 'fast-check';
import { toRows } from '../columnar/batch.ts';
import { sqlType } from '../plan/types.ts';
import { BatchSink } from './ingest-columns.ts';
import { putDoubled, putUnescaped } from './ingest-escapes.ts';

/** The one string that `put` puts, and what it returns. */
function putOne<T>(put: (strings: NonNullable<BatchSink['columns'][0]['strings']>) => T): [T, unknown] {
  const sink = new BatchSink([{ name: 's', type: sqlType.string() }]);
  sink.begin(1);
  const answer = put(sink.columns[0]!.strings!);
  sink.rows = 1;
  return [answer, toRows(sink.finish())[0]![0]];
}

const SLACK = '\0'.repeat(16);

test('JSON escapes are undone as JSON.parse does, and wrong ones are refused', () => {
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'é', '😀', '0', 'u', 'd') }),
    fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\x', '\\', '\\u12', '\\uGGGG'),
    fc.integer({ min: 0, max: 0xffff }).map((code) => `\\u${code.toString(16).padStart(4, '0')}`),
    fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => `\\u${code.toString(16).toUpperCase()}`),
    fc.constantFrom('\\ud83d\\ude00', 'x'.repeat(5000)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('');
      let expected: string | null;
      try {
        expected = JSON.parse(`"${text}"`) as string;
      } catch {
        expected = null;
      }
      // The parser has found the closing quote: there is none before, and it is not escaped.
      fc.pre(/^(?:[^"\\]|\\.)*$/su.test(text));
      const bytes = Buffer.from(`${text}"${SLACK}`);
      const [answer, cell] = putOne((strings) => putUnescaped(strings, bytes, 0, Buffer.byteLength(text), 0));
      expect(answer).toBe(expected !== null);
      if (expected !== null) expect(cell).toBe(expected.toWellFormed());
    }),
    { numRuns: 500 },
  );
});

test('doubled quotes are one, and a quote that is missing is told', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é') }), fc.boolean(), (text, closed) => {
      const doubled = text.replaceAll('"', '""');
      const bytes = Buffer.from(`${doubled}${closed ? '"' : ''},\n${SLACK}`);
      const [answer, cell] = putOne((strings) => putDoubled(strings, bytes, 0, bytes.length - SLACK.length, 34, 0));
      expect(answer).toBe(closed ? Buffer.byteLength(doubled) : -1);
      if (closed) expect(cell).toBe(text);
    }),
  );
});
