// What generated code may call, under the names that it calls it by.
import { StringDictionary } from '../../columnar/string-builder.ts';
import { formatTimestamp, parseTimestampAs } from './date-format.ts';
import * as numbers from './numbers.ts';
import { bytesEqual, TextReader, utf8 } from './text-reader.ts';
import * as text from './text.ts';
import * as time from './time.ts';

/** `now`: the wall clock in milliseconds since the epoch, for CURRENT_TIMESTAMP and its like. */
export function codegenRuntime(now: () => number): object {
  return {
    ...numbers,
    ...text,
    ...time,
    formatTimestamp,
    parseTimestampAs,
    bytesEqual,
    utf8,
    TextReader,
    StringDictionary,
    now,
  };
}
