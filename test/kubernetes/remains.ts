// Takes away whatever a node left on the machine, whether it was stopped in order, failed half way up, or was killed: containers, their shims, mounts, control
// groups, files outside of the cluster's folder. Works from what is there, not from what should be.
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { startTimeOf, type ProcessIdentity } from '../../src/store/local/process-identity.ts';
import { until } from '../harness/until.ts';
import { run, tryRun } from './command.ts';
import { end } from './processes.ts';

const ROOT_OF_CGROUPS = '/sys/fs/cgroup';
/** Programs that are ours when their command line names the cluster's folder. */
const PROGRAMS = new Set([
  ...['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
  ...['containerd', 'kubelet', 'kube-proxy', 'containerd-shim-runc-v2'],
]);

/** Every control group that a kubelet made for pods, in each hierarchy. */
export function podGroups(): string[] {
  if (!existsSync(ROOT_OF_CGROUPS)) return [];
  const hierarchies = ['', ...readdirSync(ROOT_OF_CGROUPS)].map((name) => join(ROOT_OF_CGROUPS, name, 'kubepods'));
  return hierarchies.filter((path) => existsSync(join(path, 'cgroup.procs')));
}

/** Whether a kubelet's pods run on this machine, whosever they are. */
export const podsRun = (): boolean => podGroups().some((group) => pidsIn(group).length > 0);

/** Ends the processes in pods. The kubelet must be gone, or it starts them again. */
export async function killContainers(): Promise<void> {
  const groups = podGroups();
  await until(
    'containers end',
    () => {
      const pids = new Set(groups.flatMap(pidsIn));
      for (const pid of pids) killIfThere(pid);
      return pids.size === 0;
    },
    { seconds: 20 },
  );
}

/** Ends our programs that nothing has on record, such as containerd's shims, or one that was started when `up` was killed. */
export async function killLeftovers(folder: string, only?: readonly string[]): Promise<void> {
  for (const { name, identity } of programsOf(folder))
    if (only === undefined || only.includes(name)) await end(name, identity, 0);
}

function programsOf(folder: string): { name: string; identity: ProcessIdentity }[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    const [program = '', ...args] = commandLine(entry);
    const name = basename(program);
    if (!PROGRAMS.has(name) || !args.some((arg) => arg.includes(`${folder}/`))) return [];
    const startTime = startTimeOf(Number(entry));
    return startTime === null ? [] : [{ name, identity: { pid: Number(entry), startTime } }];
  });
}

/** The deepest first. */
function mountsBelow(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const points = lines.map((line) => unescape(line.split(' ')[4] ?? ''));
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse();
}

export async function unmountBelow(folder: string): Promise<void> {
  for (const point of mountsBelow(folder))
    if ((await tryRun('umount', point)) === null) await run('umount', ['--lazy', point]);
}

/** Control groups that are empty now. The kernel frees them a moment after their last process. */
export async function removePodGroups(): Promise<void> {
  for (const group of podGroups())
    await until(`${group} is removed`, () => removeGroup(group), { seconds: 10, every: 50 });
}

/** Sockets, caches and links that containerd, CNI and the kubelet keep at fixed places. To be called before the folder is removed. */
export function removeStrayFiles(folder: string): void {
  const tasks = join(folder, 'containerd-state', 'io.containerd.runtime.v2.task', 'k8s.io');
  for (const task of entries(tasks)) {
    const address = join(tasks, task, 'address');
    if (existsSync(address)) rmSync(readFileSync(address, 'utf8').trim().replace('unix://', ''), { force: true });
  }
  const results = '/var/lib/cni/results';
  for (const file of entries(results)) {
    const sandbox = /^flowjob-(\w+)-eth0$/.exec(file)?.[1];
    if (sandbox === undefined) continue;
    for (const name of [file, `cni-loopback-${sandbox}-lo`]) rmSync(join(results, name), { force: true });
  }
  const links = '/var/log/containers';
  for (const link of entries(links)) if (target(join(links, link)).startsWith(`${folder}/`)) rmSync(join(links, link));
  const devicePlugins = '/var/lib/kubelet/device-plugins';
  rmSync(join(devicePlugins, 'kubelet.sock'), { force: true });
  const folders = [
    '/run/containerd/s',
    '/run/containerd',
    results,
    '/var/lib/cni',
    links,
    devicePlugins,
    '/var/lib/kubelet',
  ];
  for (const path of folders) removeIfEmpty(path);
}

function pidsIn(group: string): number[] {
  const own = readText(join(group, 'cgroup.procs'))
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
  return own.concat(subgroups(group).flatMap(pidsIn));
}

function subgroups(group: string): string[] {
  if (!existsSync(group)) return [];
  const found = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return found.map((entry) => join(group, entry.name));
}

function removeGroup(group: string): boolean {
  for (const sub of subgroups(group)) removeGroup(sub);
  if (existsSync(group)) rmdirSync(group);
  return true;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function commandLine(pid: string): string[] {
  return readText(`/proc/${pid}/cmdline`).split('\0');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended, or was removed, while we looked.
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not there, or somebody else's things are in it.
  }
}

/** mountinfo writes a space as \040. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
