// Logs of a job's pods, through the API server's log subresource. A pod runs once, so what ran before is the log of another pod.
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../../kube/errors.ts';
import type { Client } from '../../kube/rest/client.ts';
import { LABEL, ROLE } from '../../runtime/kubernetes/names.ts';
import { PODS, processOf, type Pod } from '../../runtime/kubernetes/pod-view.ts';
import { CommandError } from '../context.ts';
import { LineSplitter } from '../line-splitter.ts';
import { labelled, processesOfRole } from '../log-roles.ts';
import type { LogRequest } from '../place.ts';

/** Milliseconds between tries while a container is not started yet. */
const LOOK_EVERY = 500;

interface ProcessPod {
  pod: Pod;
  /** jobmanager, taskmanager-0 */
  process: string;
  /** Also the name of its container: others may stand beside it. */
  role: string;
  epoch: number;
  restarts: number;
}

/** Answers false when the job has no pod at all. `running`: the attempt in the job's status; it is asked for only where there is a choice. */
export async function printPodLogs(
  client: Client,
  namespace: string,
  { job, role, epoch: wanted, previous, follow }: LogRequest,
  running: () => Promise<number | undefined>,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { items } = await client.list<Pod>(PODS, { namespace, labelSelector: `${LABEL.job}=${job}` });
  const pods = items.flatMap(processPod);
  const epochs = [...new Set(pods.map(({ epoch }) => epoch))].sort((a, b) => a - b);
  const epoch = wanted ?? (epochs.length > 1 ? chosen(epochs, await running()) : epochs[0]);
  if (epoch === undefined) return false;
  if (!epochs.includes(epoch))
    throw new CommandError(`there is no pod of attempt ${epoch}; there are pods of attempts ${epochs.join(', ')}`);
  const within = pods.filter((one) => one.epoch <= epoch).sort(newestFirst);
  const names = processesOfRole(
    role,
    [...new Set(within.filter((one) => one.epoch === epoch).map(({ process }) => process))],
    `attempt ${epoch}`,
  );
  const printer = labelled(print, names);
  const logs = names.map((name) => {
    const [newest, before] = within.filter(({ process }) => process === name);
    const one = previous ? before : newest;
    if (one === undefined)
      throw new CommandError(`there is no pod left of the ${name} before ${newest?.pod.metadata.name ?? 'this one'}`);
    return () => printLog(client, one, { follow, signal, print: printer(name) });
  });
  if (follow) await Promise.all(logs.map((log) => log()));
  else for (const log of logs) await log();
  return true;
}

/** The attempt that the job runs in, else the last before it: one that is above it was prepared, and has no job or was given up. */
function chosen(epochs: readonly number[], running = Infinity): number | undefined {
  return epochs.findLast((epoch) => epoch <= running) ?? epochs.at(-1);
}

function processPod(pod: Pod): ProcessPod[] {
  const view = processOf(pod);
  if (view === null) return [];
  const { epoch, restarts, index } = view;
  const role = ROLE[view.role];
  return [{ pod, process: view.role === 'TaskManager' ? `${role}-${index}` : role, role, epoch, restarts }];
}

const newestFirst = (a: ProcessPod, b: ProcessPod): number => b.epoch - a.epoch || b.restarts - a.restarts;

async function printLog(
  client: Client,
  { pod, role }: ProcessPod,
  { follow, signal, print }: { follow: boolean; signal: AbortSignal; print: (line: string) => void },
): Promise<void> {
  const { namespace, name } = pod.metadata;
  const query = { container: role, follow: follow ? 'true' : undefined };
  const lines = new LineSplitter(print);
  while (!signal.aborted) {
    try {
      for await (const bytes of await client.stream(PODS, { namespace, name, subresource: 'log' }, query, signal))
        lines.push(bytes);
      break;
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof ApiError && error.status === 400)) throw error;
      // "container ... is waiting to start: ContainerCreating"
      if (!follow) throw new CommandError(`pod ${name} has no log yet: ${error.said}`);
      await pause(LOOK_EVERY, undefined, { signal }).catch(() => undefined);
    }
  }
  lines.end();
}
