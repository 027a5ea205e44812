// The node's network: a bridge that pods are plugged into, the way out of it, and kernel settings. Everything here has a counterpart that takes it away.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { run, tryRun } from './command.ts';

export const BRIDGE = 'flowjob0';
/** The bridge's address: the node's, the API server's and the pods' way out. */
export const NODE_ADDRESS = '10.123.0.1';
export const POD_RANGE = '10.123.0.0/16';
export const SERVICE_RANGE = '10.124.0.0/24';
export const DNS_ADDRESS = '10.124.0.10';
export const KUBELET_PORT = 10250;

const TABLE = 'flowjob-cluster';

export async function createBridge(): Promise<void> {
  if ((await tryRun('ip', 'link', 'show', BRIDGE)) !== null) return;
  await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  await run('ip', ['address', 'add', `${NODE_ADDRESS}/16`, 'dev', BRIDGE]);
  await run('ip', ['link', 'set', BRIDGE, 'up']);
}

/** Pods reach the world under the node's address. The kubelet asks nobody who he is, so only root, as which the API server runs, may speak to it. */
export async function createRules(): Promise<void> {
  const rules = `
    table inet ${TABLE}
    delete table inet ${TABLE}
    table inet ${TABLE} {
      chain out {
        type nat hook postrouting priority srcnat;
        ip saddr ${POD_RANGE} ip daddr != ${POD_RANGE} oifname != "${BRIDGE}" masquerade
      }
      chain kubelet-from-pods {
        type filter hook input priority filter;
        iifname "${BRIDGE}" tcp dport ${KUBELET_PORT} drop
      }
      chain kubelet-from-users {
        type filter hook output priority filter;
        ip daddr ${NODE_ADDRESS} tcp dport ${KUBELET_PORT} meta skuid != 0 drop
      }
    }`;
  await run('nft', ['-f', '-'], { input: rules });
}

/** Removes the bridge, what is plugged into it, and the tables of nftables, kube-proxy's among them. */
export async function removeNetwork(): Promise<void> {
  const plugged = await tryRun('ip', '-json', 'link', 'show', 'master', BRIDGE);
  const links = JSON.parse(plugged === null || plugged.trim() === '' ? '[]' : plugged) as { ifname?: string }[];
  for (const { ifname } of links) if (ifname !== undefined) await tryRun('ip', 'link', 'delete', ifname);
  await tryRun('ip', 'link', 'delete', BRIDGE);
  for (const table of [`inet ${TABLE}`, 'ip kube-proxy', 'ip6 kube-proxy'])
    await tryRun('nft', 'delete', 'table', ...table.split(' '));
}

/** Written by us; or by the kubelet, which wants them so. */
const settings: Record<string, string | null> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/route_localnet': null,
  'vm/overcommit_memory': null,
  'vm/panic_on_oom': null,
  'kernel/panic': null,
  'kernel/panic_on_oops': null,
  'kernel/keys/root_maxkeys': null,
  'kernel/keys/root_maxbytes': null,
};

/** Notes what the kernel's settings are in `file`, once, before they are changed. */
export function changeKernelSettings(file: string): void {
  if (!existsSync(file)) {
    const found = Object.keys(settings).flatMap((name) => (existsSync(path(name)) ? [[name, read(name)]] : []));
    writeFileSync(file, JSON.stringify(Object.fromEntries(found)));
  }
  for (const [name, value] of Object.entries(settings)) if (value !== null) writeFileSync(path(name), value);
}

export function restoreKernelSettings(file: string): void {
  if (!existsSync(file)) return;
  const before = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  for (const [name, value] of Object.entries(before)) if (read(name) !== value) writeFileSync(path(name), value);
}

const path = (name: string): string => `/proc/sys/${name}`;
const read = (name: string): string => readFileSync(path(name), 'utf8').trim();
