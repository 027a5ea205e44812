// `flowjob savepoint inspect`: what a savepoint or checkpoint holds, whether it is whole, and its state as rows.
import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CellValue } from '../../../engine/columnar/batch.ts';
import {
  inspectState,
  stateColumns,
  stateFolderAt,
  stateRows,
  type Inspection,
  type OperatorState,
} from '../../../engine/checkpoint/inspect.ts';
import { formatValue } from '../../../engine/connectors/format-value.ts';
import { describeError, EngineError } from '../../../engine/errors.ts';
import type { SqlType } from '../../../engine/plan/types.ts';
import { bytesText } from '../byte-text.ts';
import { withPlace, type Choice } from '../choose-place.ts';
import { CommandError, type CliContext } from '../context.ts';
import { absolute } from '../manifests.ts';
import { resultTable } from '../result-table.ts';
import { renderTable } from '../table.ts';
import { keyIn } from '../place.ts';
import { refuseNameOfJob } from '../savepoint-refusals.ts';
import { existing } from '../targets.ts';

export const INSPECT_FORMATS = ['table', 'json'] as const;

export interface InspectOptions {
  /** A folder, its `_metadata`, or the name of a FlowSavepoint. */
  path: string;
  operator?: string;
  limit: number;
  output: (typeof INSPECT_FORMATS)[number];
}

/** Answers the exit code: 1 when something is damaged, which is then named on standard error. */
export async function inspect(context: CliContext, choice: Choice, options: InspectOptions): Promise<number> {
  const folder = stateFolderAt(await locate(context, choice, options.path));
  const found = await inspectState(folder);
  const operator = options.operator === undefined ? null : operatorNamed(found, options.operator);
  if (operator !== null) await showRows(context, found, operator, options);
  else if (options.output === 'json') context.out(JSON.stringify(summary(found), null, 2));
  else for (const text of overview(found)) context.out(text);
  for (const damage of found.damages) context.err(`error: SAVEPOINT_CORRUPT: ${damage}`);
  return found.damages.length === 0 ? 0 : 1;
}

/** The folder that is meant. */
async function locate(context: CliContext, choice: Choice, path: string): Promise<string> {
  const place = path.startsWith('file:') ? fileURLToPath(path) : absolute(context, path);
  if (existsSync(place)) return statSync(place).isDirectory() ? place : dirname(place);
  const elsewhere = choice.kind === 'cluster' || existsSync(choice.directory);
  if (basename(path) !== path || !elsewhere)
    throw new CommandError(`${place}: there is no such folder; name the one that holds the file _metadata`);
  return withPlace(context, choice, async (where) => {
    await refuseNameOfJob(where.store, keyIn(where, path));
    const savepoint = await existing(where.store, 'FlowSavepoint', keyIn(where, path));
    const at = savepoint.status?.path;
    if (at === undefined)
      throw new CommandError(`flowsavepoint "${path}" has no path: it is ${savepoint.status?.state ?? 'Pending'}`);
    return where.readable(at, savepoint);
  });
}

function operatorNamed({ operators }: Inspection, name: string): OperatorState {
  const exact = operators.filter(({ uid, operatorId, name: shown }) => [uid, operatorId, shown].includes(name));
  const found = exact.length > 0 ? exact : operators.filter(({ uid }) => uid.includes(name));
  if (found.length === 1) return found[0]!;
  const which = found.length === 0 ? 'there is no operator with state that' : 'more than one operator';
  const uids = (found.length === 0 ? operators : found).map(({ uid }) => `  ${uid}`);
  throw new CommandError(`${which} is called "${name}"; there ${uids.length === 1 ? 'is' : 'are'}\n${uids.join('\n')}`);
}

const cellText = (type: SqlType, value: CellValue): string => (value === null ? 'NULL' : formatValue(type, value));

async function showRows(
  context: CliContext,
  found: Inspection,
  operator: OperatorState,
  { limit, output }: InspectOptions,
): Promise<void> {
  const columns = operator.stateSchema === null ? [] : stateColumns(operator.stateSchema);
  const rows: { keyGroup: number; cells: CellValue[] }[] = [];
  try {
    for await (const row of stateRows(stateFolderAt(found.path), found.manifest, operator.operatorId)) {
      if (rows.length === limit) break;
      rows.push(row);
    }
  } catch (error) {
    // What comes before the damage is shown; the damage itself is among those that are told.
    if (!(error instanceof EngineError)) throw error;
    context.err(`error: ${error.code}: ${describeError(error)}`);
  }
  if (output === 'json') {
    const named = rows.map(({ keyGroup, cells }) => ({
      keyGroup,
      ...Object.fromEntries(columns.map(({ name, type }, i) => [name, jsonValue(type, cells[i]!)])),
    }));
    context.out(JSON.stringify({ operator: operatorJson(operator), columns, rows: named }, null, 2));
    return;
  }
  const header = [{ name: 'key group', numeric: true }, ...columns.map(({ name }) => ({ name, numeric: false }))];
  const cells = rows.map((row) => [
    String(row.keyGroup),
    ...row.cells.map((value, i) => cellText(columns[i]!.type, value)),
  ]);
  for (const text of resultTable(header, cells)) context.out(text);
  if (rows.length < operator.rows)
    context.err(`${rows.length} of ${operator.rows} rows are shown; more with --limit ${operator.rows}`);
}

/** Numbers of 64 bits and DECIMALs as strings, which lose no digit; times as SQL writes them. */
function jsonValue(type: SqlType, value: CellValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  const plain = ['TINYINT', 'SMALLINT', 'INT', 'FLOAT', 'DOUBLE'].includes(type.root) && Number.isFinite(Number(value));
  return plain ? Number(value) : formatValue(type, value);
}

function operatorJson({ operatorId, uid, name, parallelism, ...state }: OperatorState): Record<string, unknown> {
  const { keyGroups, rows, keyedBytes, unionEntries, watermark, stateSchema } = state;
  return { uid, operatorId, name, parallelism, keyGroups, rows, keyedBytes, unionEntries, watermark, stateSchema };
}

function summary(found: Inspection): Record<string, unknown> {
  const { manifest } = found;
  const { formatVersion, kind, jobId, jobName, checkpointId, epoch, triggerTimestamp, maxParallelism } = manifest;
  return {
    path: found.path,
    formatVersion,
    kind,
    jobId,
    jobName,
    checkpointId,
    epoch,
    triggerTime: new Date(triggerTimestamp).toISOString(),
    endOfInput: manifest.endOfInput,
    keyGroups: maxParallelism,
    files: found.files,
    bytes: found.bytes,
    operators: found.operators.map(operatorJson),
    sources: manifest.sources.map(({ operatorId, splits }) => ({ uid: uidOf(found, operatorId), operatorId, splits })),
    committables: manifest.committables.map(({ operatorId, ...rest }) => ({
      uid: operatorId === undefined ? null : uidOf(found, operatorId),
      operatorId: operatorId ?? null,
      ...rest,
    })),
    strangers: found.strangers,
    damages: found.damages,
  };
}

const uidOf = ({ manifest }: Inspection, id: string): string =>
  manifest.operators.find(({ operatorId }) => operatorId === id)?.uid ?? id;

function* overview(found: Inspection): Generator<string> {
  const { manifest, damages } = found;
  const { kind, jobName, jobId, checkpointId, epoch, formatVersion, triggerTimestamp } = manifest;
  const facts = [
    [kind === 'SAVEPOINT' ? 'Savepoint' : 'Checkpoint', found.path],
    ['Job', `${jobName} (${jobId}), attempt ${epoch}`],
    ['Taken', `${new Date(triggerTimestamp).toISOString()}, number ${checkpointId}`],
    [
      'Format',
      `version ${formatVersion}${manifest.files.some(({ pages }) => pages !== undefined) ? ', in pages' : ''}`,
    ],
    ['Size', `${bytesText(found.bytes)} in ${found.files} files, ${manifest.maxParallelism} key groups`],
    ['Whole', damages.length === 0 ? 'yes, every checksum matches' : `no: ${damages.length} files are damaged`],
  ];
  for (const [name, value] of facts) yield `${`${name}:`.padEnd(13)}${value}`;
  yield '';
  yield renderTable(
    ['OPERATOR', 'PARALLELISM', 'KEY GROUPS', 'ROWS', 'SIZE', 'WATERMARK'],
    found.operators.map(({ uid, parallelism, keyGroups, rows, keyedBytes, unionEntries, watermark }) => [
      uid,
      String(parallelism),
      ...(keyGroups + rows + keyedBytes + unionEntries === 0 && damages.length > 0
        ? ['?', '?', 'unreadable', '']
        : [String(keyGroups), String(rows), bytesText(keyedBytes), watermarkText(watermark)]),
    ]),
  );
  for (const { operatorId, splits } of manifest.sources) {
    yield `\n${uidOf(found, operatorId)} goes on at`;
    if (splits.length === 0) yield '  its end: all is read';
    for (const { position } of splits) yield `  ${JSON.stringify(position)}`;
  }
  if (manifest.committables.length > 0) yield '\nOutput that is made visible with it:';
  for (const { connector, operatorId, payload } of manifest.committables)
    yield `  ${operatorId === undefined ? connector : uidOf(found, operatorId)} ${JSON.stringify(payload)}`;
  if (found.strangers.length > 0) yield `\nNot part of it, and not needed: ${found.strangers.join(', ')}`;
}

function watermarkText(watermark: number | null): string {
  if (watermark === null) return '';
  // The first and the last watermark are no times.
  return Math.abs(watermark) > 8.64e15 ? (watermark < 0 ? 'none yet' : 'end') : new Date(watermark).toISOString();
}
