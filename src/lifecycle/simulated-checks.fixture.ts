// What must hold of the simulated world after every pass, whatever has happened in it.
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowJobStatus } from '../api/status.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import type { Engine, WorldProcess } from './simulated-model.fixture.ts';
import { sameButSize } from './simulated-scale.fixture.ts';

/** `isOver`: the run of that attempt has ended, so its processes can do nothing more. `gone`: the job was deleted. */
export function violationsIn(
  { state, conditions }: FlowJobStatus,
  processes: readonly WorldProcess[],
  isOver: (epoch: number) => boolean,
  gone: boolean,
): string[] {
  const alive = processes.filter((process) => process.state === 'Running');
  const working = new Set(alive.map(({ epoch }) => epoch).filter((epoch) => !isOver(epoch)));
  const types = conditions.map(({ type }) => type);
  return [
    ...(working.size > 1 ? ['two attempts are alive'] : []),
    ...(state === 'Suspended' && alive.length > 0 ? ['a suspended job has a process'] : []),
    ...(gone && alive.length > 0 ? ['a deleted job has a process'] : []),
    ...(types.includes('Reconciling') && types.includes('Stalled') ? ['Reconciling and Stalled'] : []),
  ];
}

/** A stream that runs is not replaced because of its size alone, where the engine takes another (`scales`), and no version for one that could not be started. */
export function violationsOfReplacement(
  { spec, status }: FlowJob,
  after: FlowJobStatus,
  { imagesAreThere, scales }: { imagesAreThere: boolean; scales: boolean },
): string[] {
  if (status?.state !== 'Running' || after.state !== 'Upgrading') return [];
  const { accepted } = status;
  const onlySize = accepted?.spec.mode === 'Streaming' && scales && sameButSize(accepted.spec, spec);
  return [
    ...(imagesAreThere ? [] : ['a version was stopped for one whose images are not there']),
    ...(onlySize ? ['a stream was replaced because of its size alone'] : []),
  ];
}

/** Of the world, what says whether it has come to rest. */
export function pictureOf({
  job,
  savepoints,
  processes,
  gone,
  engine,
}: {
  job: FlowJob;
  savepoints: readonly FlowSavepoint[];
  processes: readonly WorldProcess[];
  gone: boolean;
  engine: Engine | null;
}): string {
  const { status, parallelism, upperBound, asked } = engine ?? {};
  return JSON.stringify([job.status, savepoints, processes, gone, [status, parallelism, upperBound, asked]]);
}
