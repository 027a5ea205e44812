// How a run ended, as Flink's FileSystemJobResultStore has written it (FLIP-194): JOBID_DIRTY.json as soon as the run is over, JOBID.json once Flink has cleaned up.
import type { RunResult } from '../../lifecycle/observation.ts';
import { resultsOf } from './high-availability.ts';
import { describeTrace } from './root-cause.ts';
import type { FileStart, StateFiles } from './state-files/port.ts';

/** Of Flink's ApplicationStatus; any other is no end. */
const STATES: Readonly<Record<string, RunResult['state']>> = {
  SUCCEEDED: 'FINISHED',
  FAILED: 'FAILED',
  CANCELED: 'CANCELED',
};

/** Letters of a cause: the whole answer has to fit into the message of a container that has ended (4096 bytes). */
const CAUSE_LETTERS = 1000;

/** A result holds the failure with its trace, and that once more as Java has serialized it: this is far more than any has. */
const MOST_BYTES = 16 << 20;

interface Entry {
  result: {
    'application-status': string;
    /** Milliseconds. */
    'net-runtime': number;
    /** Milliseconds since the epoch; Flink writes them since 2.3. */
    'start-time'?: number;
    'end-time'?: number;
    'failure-cause'?: { 'stack-trace': string };
  };
}

/** Null: the run has not ended, as far as is on record. Throws when that cannot be read: the run is over, and how is not known; StoreUnavailable. */
export async function readResult(
  files: StateFiles,
  root: string,
  jobId: string,
): Promise<Omit<RunResult, 'savepointPath'> | null> {
  for (const name of [`${jobId}.json`, `${jobId}_DIRTY.json`]) {
    const file = `${resultsOf(root, jobId)}/${name}`;
    const found = await files.start(file, MOST_BYTES);
    if (found !== null) return resultOf(file, found);
  }
  return null;
}

function resultOf(file: string, { content, at }: FileStart): Omit<RunResult, 'savepointPath'> | null {
  const { result } = entryOf(file, content.toString());
  const state = STATES[result['application-status']];
  if (state === undefined) return null;
  const endTime = result['end-time'] ?? Math.round(at);
  const trace = result['failure-cause']?.['stack-trace'];
  return {
    state,
    failure: trace === undefined ? null : describeTrace(trace).slice(0, CAUSE_LETTERS),
    startTime: result['start-time'] ?? endTime - result['net-runtime'],
    endTime,
  };
}

function entryOf(file: string, text: string): Entry {
  try {
    return JSON.parse(text) as Entry;
  } catch (error) {
    throw new Error(
      `${file}, in which Flink says how the run ended, cannot be read (${(error as Error).message}): the run is over, and its output is to be looked at. Remove the file to have the run go on from its newest state`,
      { cause: error },
    );
  }
}
