// Debian packages that tests need, installed where they are missing and may be.
import { existsSync } from 'node:fs';
import { run, tryRun } from './command.ts';

type Log = (line: string) => void;

/** Package -> a file that proves it. */
const ofTheNode: Record<string, readonly string[]> = {
  containerd: ['/usr/bin/containerd', '/usr/local/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc', '/usr/local/sbin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge'],
  nftables: ['/usr/sbin/nft'],
  conntrack: ['/usr/sbin/conntrack'],
  iproute2: ['/usr/sbin/ip', '/sbin/ip'],
  buildah: ['/usr/bin/buildah'],
  debootstrap: ['/usr/sbin/debootstrap'],
};

/** What the node needs. */
export async function installPackages(log: Log): Promise<void> {
  const missing = Object.keys(ofTheNode).filter((name) => !ofTheNode[name]!.some((file) => existsSync(file)));
  await aptInstall(missing, log, {
    whoNeeds: 'the node',
    otherwise: 'or use a cluster of yours: npm run cluster -- up --context NAME',
  });
}

/** `otherwise`: what a person can do who cannot install them. @throws Error that names the packages where apt-get cannot be used */
export async function aptInstall(
  packages: readonly string[],
  log: Log,
  { whoNeeds, otherwise }: { whoNeeds: string; otherwise?: string },
): Promise<void> {
  if (packages.length === 0) return;
  const why =
    (await tryRun('apt-get', '--version')) === null
      ? 'there is no apt-get to install them with'
      : process.getuid?.() !== 0
        ? 'only root can install them'
        : null;
  if (why !== null)
    throw new Error(
      `${whoNeeds} needs the Debian packages ${packages.join(', ')} or what they hold, and ${why}. Install them` +
        (otherwise === undefined ? '' : `, ${otherwise}`),
    );
  log(`installing the Debian packages ${packages.join(', ')} (they stay)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = async (): Promise<string> =>
    run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...packages], { env });
  try {
    await install();
  } catch {
    log('  the list of packages is missing or too old: apt-get update');
    await run('apt-get', ['update', '--quiet'], { env });
    await install();
  }
}
