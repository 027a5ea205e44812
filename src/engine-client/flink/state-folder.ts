// What Flink has left in the folder of a job's state, looked at where no JobManager answers: checkpoints (JOB/chk-N), savepoints, each complete once its
// `_metadata` is there, which Flink writes last; and how the run ended. Reads files; removes what it is told to.
import { dirname } from 'node:path';
import type { StorageCommand } from '../../../engine/storage-command.ts';
import type { StorageView } from '../../lifecycle/observation.ts';
import { clearOlderRuns } from './clear-runs.ts';
import { FLINK_FOLDERS } from './config.ts';
import { HA_FOLDER } from './high-availability.ts';
import { readResult } from './job-results.ts';
import { plainPath } from '../../api/plain-path.ts';
import { StoreUnavailable, type StateFiles } from './state-files/port.ts';

type Question = Omit<Extract<StorageCommand, { kind: 'view' }>, 'kind'>;
type Kind = 'Checkpoint' | 'Savepoint';

interface Found {
  path: string;
  kind: Kind;
  /** Of checkpoints and savepoints of one job together, in their order. */
  id: bigint;
  /** Milliseconds since the epoch: when it was complete. */
  at: number;
}

/** First bytes of `_metadata` (org.apache.flink.runtime.checkpoint.Checkpoints.HEADER_MAGIC_NUMBER), then the version of its format, then the id. */
const MAGIC = 0x4960672d;
const HEADER_BYTES = 16;
/** The first version that begins with the id (MetadataV2Serializer). */
const OLDEST = 2;
/** Bytes of `_metadata` that are looked at in one piece: it can be of many MiB, as it holds where each element of a list in state begins. */
const PART_BYTES = 4 << 20;
/** What may be the folder of a run in a path: `/JOB/`. */
const RUN_FOLDERS = /\/[0-9a-f]{32}(?=\/)/g;
const RUN_FOLDER_BYTES = 34;

/** Of `root`, the folder of one job. Throws StoreUnavailable. */
export async function viewStateFolder(
  files: StateFiles,
  root: string,
  question: Question,
): Promise<Omit<StorageView, 'epoch'>> {
  const { jobId, lastSavepoint, stopTriggerId, findState, savepoint } = question;
  const unreadable: StorageView['unreadable'] = { checkpoints: null, savepoint: null };
  const stopped =
    jobId === undefined || stopTriggerId === undefined ? [] : await savepointsOf(files, root, stopTriggerId);
  const candidates: Found[] = [];
  let savepointGone = false;
  if (jobId !== undefined) {
    for (const path of await checkpointsOf(files, root, jobId)) await consider(path, 'Checkpoint');
    for (const path of stopped) await consider(path, 'Savepoint');
    if (lastSavepoint !== undefined && !stopped.includes(plainPath(lastSavepoint)))
      savepointGone = !(await consider(plainPath(lastSavepoint), 'Savepoint'));
  }
  const newest = newestOf(candidates);
  const pendingSavepoint = candidates.find(({ path }) => stopped.includes(path))?.path ?? null;
  const result = jobId === undefined ? null : await readResult(files, root, jobId);
  return {
    newest: newest === undefined ? null : { path: newest.path, kind: newest.kind },
    unreadable,
    ...(savepointGone && unreadable.savepoint === null ? { savepointGone } : {}),
    pendingSavepoint,
    result: result === null ? null : { ...result, savepointPath: pendingSavepoint },
    found: findState === true ? await findAny(files, root) : null,
    savepoint: savepoint === undefined ? null : await problemOf(files, plainPath(savepoint)),
  };

  /** False: it is not there, or not complete. */
  async function consider(path: string, kind: Kind): Promise<boolean> {
    try {
      const found = await read(files, path, kind);
      if (found !== null) candidates.push(found);
      return found !== null;
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      unreadable[kind === 'Checkpoint' ? 'checkpoints' : 'savepoint'] ??= (error as Error).message;
      return true;
    }
  }
}

const newestOf = (candidates: Found[]): Found | undefined =>
  [...candidates].sort((a, b) => (a.id === b.id ? b.at - a.at : a.id < b.id ? 1 : -1))[0];

/** Null: not there, or not complete. Throws what is wrong with one that is. */
async function read(files: StateFiles, path: string, kind: Kind): Promise<Found | null> {
  const file = `${path}/_metadata`;
  const start = await files.start(file, HEADER_BYTES);
  if (start === null) return null;
  const { content: header, at } = start;
  if (header.length < HEADER_BYTES || header.readInt32BE(0) !== MAGIC || header.readInt32BE(4) < OLDEST)
    throw new Error(`${file} is not what Flink writes: put the file back, or name another savepoint`);
  return { path, kind, id: header.readBigInt64BE(8), at };
}

const checkpointsIn = async (files: StateFiles, job: string): Promise<string[]> =>
  (await files.folders(job)).filter((path) => /\/chk-\d+$/.test(path));

const checkpointsOf = async (files: StateFiles, root: string, jobId: string): Promise<string[]> =>
  checkpointsIn(files, `${root}/${FLINK_FOLDERS.checkpoints}/${jobId}`);

/** Flink puts each into a folder of its own below the one that it is told. */
const savepointsOf = async (files: StateFiles, root: string, triggerId: string): Promise<string[]> =>
  files.folders(`${root}/${FLINK_FOLDERS.savepoints}/${triggerId}`);

/** The newest state of any job: ids of different jobs say nothing about each other, so the time decides. */
async function findAny(files: StateFiles, root: string): Promise<StorageView['found']> {
  const [jobs, triggers] = await Promise.all([
    files.folders(`${root}/${FLINK_FOLDERS.checkpoints}`),
    files.folders(`${root}/${FLINK_FOLDERS.savepoints}`),
  ]);
  const all: Found[] = [];
  let unreadable: string | null = null;
  const kinds: [Kind, string[]][] = [
    ['Checkpoint', (await Promise.all(jobs.map(async (job) => checkpointsIn(files, job)))).flat()],
    ['Savepoint', (await Promise.all(triggers.map(async (trigger) => files.folders(trigger)))).flat()],
  ];
  for (const [kind, paths] of kinds)
    for (const path of paths)
      try {
        all.push(...[await read(files, path, kind)].filter((one) => one !== null));
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error;
        unreadable ??= (error as Error).message;
      }
  const [newest] = all.sort((a, b) => b.at - a.at);
  if (newest === undefined && unreadable === null) return null;
  return {
    newest: newest === undefined ? null : { path: newest.path, kind: newest.kind },
    finished: false,
    unreadable,
  };
}

async function problemOf(files: StateFiles, path: string): Promise<StorageView['savepoint']> {
  try {
    if ((await read(files, path, 'Savepoint')) !== null) return null;
    return {
      kind: 'NotFound',
      message: `there is no completed savepoint of Flink in ${path}: it would hold a file _metadata`,
    };
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    return { kind: 'Unusable', message: (error as Error).message };
  }
}

/** A savepoint holds all that it needs, and nothing else needs it: its folder goes, and the one of its trigger when nothing is left in that. */
export async function disposeSavepoint(files: StateFiles, path: string): Promise<void> {
  const folder = plainPath(path);
  await files.remove(folder);
  const trigger = dirname(folder);
  if (dirname(trigger).endsWith(`/${FLINK_FOLDERS.savepoints}`)) await files.removeEmpty(trigger);
}

/**
 * Removes what runs before the one in question have left; that one has state of its own once it has completed a checkpoint, or the savepoint of its stop. To be
 * called when nothing of the job runs. Nothing goes where nobody says what is needed. Throws StoreUnavailable.
 */
export async function clearState(files: StateFiles, root: string, question: Question): Promise<void> {
  const { jobId, lastSavepoint, stopTriggerId, needed, preparedJobId } = question;
  if (jobId === undefined || needed === undefined) return;
  const own = [
    ...(await checkpointsOf(files, root, jobId)),
    ...(stopTriggerId === undefined ? [] : await savepointsOf(files, root, stopTriggerId)),
  ];
  const others = [...needed, ...(lastSavepoint === undefined ? [] : [lastSavepoint])].map(plainPath);
  const referredTo: string[] = [];
  let hasState = false;
  for (const path of new Set([...own, ...others])) {
    const inside = await foldersReferredTo(files, path);
    if (inside === null) continue;
    referredTo.push(...inside);
    if (own.includes(path)) hasState = true;
  }
  const jobIds = preparedJobId === undefined ? [jobId] : [jobId, preparedJobId];
  await clearOlderRuns(files, root, { jobIds, needed: [...others, ...referredTo], hasState });
}

/**
 * Folders of runs in which files are that a checkpoint or savepoint is made of; null: it is not there, or not complete. Flink writes paths as text. It is made of
 * files of an earlier run where that one's checkpoint was restored with another claim mode (FLIP-193) than NO_CLAIM, which a program may set for itself.
 */
async function foldersReferredTo(files: StateFiles, path: string): Promise<string[] | null> {
  const found = new Set<string>();
  for (let from = 0; ; from += PART_BYTES) {
    const part = await files.start(`${path}/_metadata`, PART_BYTES + RUN_FOLDER_BYTES, from);
    if (part === null) return null;
    for (const folder of part.content.toString('latin1').match(RUN_FOLDERS) ?? []) found.add(folder);
    if (part.content.length <= PART_BYTES) return [...found];
  }
}

/** Checkpoints, compiled plans and results; savepoints are FlowSavepoints' own. */
export async function removeState(files: StateFiles, root: string): Promise<void> {
  for (const folder of [FLINK_FOLDERS.checkpoints, FLINK_FOLDERS.plans, HA_FOLDER])
    await files.remove(`${root}/${folder}`);
}
