// `flowjob logs`: what a job's processes print, of the attempt that it runs in or of another.
import type { CliContext } from '../context.ts';
import type { LogRequest, Place } from '../place.ts';
import { parseTarget } from '../targets.ts';

export async function logs(context: CliContext, place: Place, request: LogRequest): Promise<void> {
  const job = parseTarget([request.job]).name ?? request.job;
  await place.logs({ ...request, job }, context.out, context.interrupted);
}
