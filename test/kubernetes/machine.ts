// What a node could leave on a machine, as sets of lines: taken before and after, they must be equal.
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { run } from './command.ts';
import { podGroups } from './remains.ts';

export type Machine = Record<string, string[]>;

/** Programs that a cluster runs outside of containers. */
const PROGRAMS = [
  ...['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'],
  ...['containerd', 'containerd-shim-runc-v2', 'runc', 'ctr', 'buildah', 'debootstrap'],
];
/** Where programs of a node are wont to leave files, even when they are told to keep theirs elsewhere. */
const FOLDERS = [
  ...[
    '/run',
    '/run/containerd',
    '/run/containerd/s',
    '/run/netns',
    '/var/log',
    '/var/log/containers',
    '/opt',
    '/etc/cni',
  ],
  ...['/var/lib', '/var/lib/cni', '/var/lib/cni/results', '/var/lib/kubelet', '/var/lib/kubelet/device-plugins'],
];
const SETTINGS = [
  ...['net/ipv4/ip_forward', 'net/ipv4/conf/all/route_localnet', 'vm/overcommit_memory', 'vm/panic_on_oom'],
  ...['kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'],
];

export async function observeMachine(): Promise<Machine> {
  const links = JSON.parse(await run('ip', ['-json', 'link'])) as { ifname: string }[];
  return {
    programs: processes().filter((line) => PROGRAMS.includes(line.split(' ')[1] ?? '')),
    'processes in containers': processes().filter((line) => inContainer(line.split(' ')[0]!)),
    mounts: lines(readFileSync('/proc/self/mountinfo', 'utf8')).map((line) => line.split(' ')[4]!),
    links: links.map(({ ifname }) => ifname),
    'network namespaces': [...new Set(processes().map((line) => namespaceOf(line.split(' ')[0]!, 'net')))],
    'nftables tables': lines(await run('nft', ['list', 'tables'])),
    'control groups': podGroups(),
    files: FOLDERS.flatMap((folder) => entries(folder).map((entry) => `${folder}/${entry}`)),
    settings: SETTINGS.flatMap((name) => lines(readSetting(name)).map((value) => `${name}=${value}`)),
  };
}

/** What `after` has and `before` has not, and the other way round. Empty: equal. */
export function differences(before: Machine, after: Machine, kinds = Object.keys(after)): string[] {
  return kinds.flatMap((kind) => [
    ...after[kind]!.filter((line) => !before[kind]!.includes(line)).map((line) => `left: ${kind}: ${line}`),
    ...before[kind]!.filter((line) => !after[kind]!.includes(line)).map((line) => `gone: ${kind}: ${line}`),
  ]);
}

/** `PID NAME` of each process. */
function processes(): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const program = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')[0]!;
      return [`${entry} ${basename(program)}`];
    } catch {
      return []; // It ended while we looked.
    }
  });
}

/** Its control group says so; a sandbox of a browser or of a test does not count. */
function inContainer(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes('/kubepods');
  } catch {
    return false;
  }
}

function namespaceOf(pid: string, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return readlinkSync(`/proc/self/ns/${kind}`);
  }
}

function readSetting(name: string): string {
  return existsSync(`/proc/sys/${name}`) ? readFileSync(`/proc/sys/${name}`, 'utf8') : '';
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
