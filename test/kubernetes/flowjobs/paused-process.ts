// Stops the processes of a pod where they stand, as a machine does that hangs, and lets them go on. On a node that is this machine alone.
import { readFileSync, readdirSync } from 'node:fs';

/** Of every process whose control group is the pod's. */
function processesOf(podUid: string): number[] {
  const names = [podUid, podUid.replaceAll('-', '_')];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const group = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
        return names.some((name) => group.includes(name));
      } catch {
        // It ended meanwhile.
        return false;
      }
    })
    .map(Number);
}

/** Answers how to let them go on; they may have been killed by then. */
export function pausePod(podUid: string): () => void {
  const pids = processesOf(podUid);
  if (pids.length === 0) throw new Error(`no process of pod ${podUid} runs on this machine`);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of processesOf(podUid).filter((one) => pids.includes(one))) process.kill(pid, 'SIGCONT');
  };
}
