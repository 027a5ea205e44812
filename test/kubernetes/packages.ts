// The Debian packages that a node needs. Installed when one of their programs is not there.
import { existsSync } from 'node:fs';
import { run, tryRun } from './command.ts';

/** Package -> a file that proves it. */
const packages: Record<string, readonly string[]> = {
  containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc', '/usr/local/sbin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge'],
  nftables: ['/usr/sbin/nft'],
  conntrack: ['/usr/sbin/conntrack'],
  iproute2: ['/usr/sbin/ip', '/sbin/ip'],
  buildah: ['/usr/bin/buildah'],
  debootstrap: ['/usr/sbin/debootstrap'],
};

export async function installPackages(log: (line: string) => void): Promise<void> {
  const missing = Object.keys(packages).filter((name) => !packages[name]!.some((file) => existsSync(file)));
  if (missing.length === 0) return;
  if ((await tryRun('apt-get', '--version')) === null)
    throw new Error(
      `the node needs ${missing.join(', ')}, and there is no apt-get to install them with. Install them, or use a cluster of yours: ` +
        'npm run cluster -- up --context NAME',
    );
  log(`installing the Debian packages ${missing.join(', ')} (they stay after \`down\`)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = async (): Promise<string> =>
    run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing], { env });
  try {
    await install();
  } catch {
    log('  the list of packages is missing or too old: apt-get update');
    await run('apt-get', ['update', '--quiet'], { env });
    await install();
  }
}
