// The filesystem connector's options: where the files are, their format, how they are replayed and written.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CsvFormat } from '../../codegen/ingest-csv.ts';
import type { JsonFormat } from '../../codegen/ingest-json.ts';
import { EngineError } from '../../errors.ts';
import type { TableSpec } from '../../plan/exec-plan.ts';
import { typeToString } from '../../plan/types.ts';
import { invalidOption, TableOptions, type OptionSpecs } from '../options.ts';

export interface FilesystemTable {
  /** Absolute: a file, or a directory of files. */
  path: string;
  format: 'csv' | 'json' | 'parquet';
  csv: CsvFormat & { header: boolean };
  json: JsonFormat & { ignoreNullFields: boolean };
  /** Rows per second over the whole source, as an unbounded source; null: bounded, as fast as it goes. */
  replay: { rate: number; onEnd: 'finish' | 'wait' } | null;
  /** Bytes after which the sink begins a new file. */
  rollingSize: number;
}

const common: OptionSpecs = {
  connector: { kind: 'string', public: true },
  path: { kind: 'string', required: true, public: true },
  format: { kind: 'enum', values: ['csv', 'json', 'parquet'], required: true },
  'csv.field-delimiter': { kind: 'string' },
  'csv.quote-character': { kind: 'character' },
  'csv.disable-quote-character': { kind: 'boolean' },
  'csv.null-literal': { kind: 'string' },
  'csv.allow-comments': { kind: 'boolean' },
  'csv.ignore-parse-errors': { kind: 'boolean' },
  'csv.header': { kind: 'boolean' },
  'json.ignore-parse-errors': { kind: 'boolean' },
  'json.fail-on-missing-field': { kind: 'boolean' },
  'json.timestamp-format.standard': { kind: 'enum', values: ['SQL', 'ISO-8601'] },
  'json.encode.ignore-null-fields': { kind: 'boolean' },
  'replay.rate': { kind: 'number', min: 0.001 },
  'replay.on-end': { kind: 'enum', values: ['finish', 'wait'] },
  'sink.rolling-policy.file-size': { kind: 'size' },
};

/** Checks the options of a table of this connector. Throws EngineError that names table, option, value and remedy. */
export function filesystemTable(table: TableSpec): FilesystemTable {
  const options = new TableOptions(table, common);
  const format = options.choice('format') as FilesystemTable['format'];
  for (const name of Object.keys(table.options)) {
    const owner = /^(csv|json)\./.exec(name)?.[1];
    if (owner !== undefined && owner !== format)
      throw options.invalid(name, `belongs to the format ${owner}, but 'format' is '${format}'`, `remove '${name}'`);
  }
  const rate = options.number('replay.rate');
  if (rate === undefined && table.options['replay.on-end'] !== undefined)
    throw options.invalid('replay.on-end', "has no effect without 'replay.rate'", "add 'replay.rate' or remove it");
  const ignoreJson = options.boolean('json.ignore-parse-errors');
  if (ignoreJson && options.boolean('json.fail-on-missing-field'))
    throw options.invalid(
      'json.fail-on-missing-field',
      "cannot be true together with 'json.ignore-parse-errors'",
      'set one of the two to false',
    );
  checkTypes(table, format);
  return {
    path: filePath(table, options),
    format,
    csv: {
      delimiter: delimiter(options),
      quote: options.boolean('csv.disable-quote-character') ? null : (options.string('csv.quote-character') ?? '"'),
      nullLiteral: options.string('csv.null-literal') ?? null,
      allowComments: options.boolean('csv.allow-comments'),
      ignoreErrors: options.boolean('csv.ignore-parse-errors'),
      header: options.boolean('csv.header'),
    },
    json: {
      failOnMissingField: options.boolean('json.fail-on-missing-field'),
      ignoreErrors: ignoreJson,
      timestampSeparator: options.choice('json.timestamp-format.standard') === 'iso-8601' ? 'T' : ' ',
      ignoreNullFields: options.boolean('json.encode.ignore-null-fields'),
    },
    replay:
      rate === undefined ? null : { rate, onEnd: (options.choice('replay.on-end') ?? 'finish') as 'finish' | 'wait' },
    rollingSize: options.size('sink.rolling-policy.file-size') ?? 128 * 1024 * 1024,
  };
}

function filePath(table: TableSpec, options: TableOptions): string {
  const path = options.string('path')!;
  if (path.startsWith('file:')) {
    try {
      return fileURLToPath(path);
    } catch (cause) {
      throw invalidOption(
        table,
        'path',
        path,
        `is not a file: URI (${(cause as Error).message})`,
        "write 'file:///dir/file'",
      );
    }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw options.invalid('path', 'is on a file system that is not supported', 'give a local path or a file: URI');
  return resolve(path);
}

function delimiter(options: TableOptions): string {
  const text = options.string('csv.field-delimiter') ?? ',';
  // SQL has no escapes in strings: Flink takes the two characters \t for a tab.
  const value = text === '\\t' ? '\t' : text;
  if (value.length !== 1 || value.charCodeAt(0) > 126 || value === '\n' || value === '\r')
    throw options.invalid(
      'csv.field-delimiter',
      'is not one ASCII character',
      "write one character, as in ';' or '\\t'",
    );
  return value;
}

function checkTypes(table: TableSpec, format: string): void {
  for (const { name, type } of table.schema) {
    const tooPrecise =
      (type.root === 'DECIMAL' && (type.precision ?? 10) > 18) ||
      type.root.startsWith('INTERVAL') ||
      type.root === 'NULL';
    if (tooPrecise)
      throw new EngineError(
        'CONNECTOR_TYPE',
        `table ${table.name}: column ${name} is ${typeToString(type)}, which the format ${format} does not support`,
        { hint: 'use DECIMAL of at most 18 digits, or another type' },
      );
  }
}
