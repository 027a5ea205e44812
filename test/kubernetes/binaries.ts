// The programs of the cluster, built once from Go modules into the user's cache. A program is there whole or not at all; what a build that was cut short has
// compiled stays in Go's own cache, so the next one goes on from there.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { buildLock } from '../harness/build-lock.ts';
import { cacheFolder } from '../harness/cache-folder.ts';

type Log = (line: string) => void;

interface Program {
  /** Folder below go/: a module of its own. */
  module: string;
  /** What is built in it. */
  package: string;
  /** Names that the program is called by, each of which makes another program of it. */
  links: readonly string[];
  ldflags: readonly string[];
  /** CPU minutes of a first build on a machine of 2026, with the programs above it built. */
  minutes: number;
}

const modules = resolve('test/kubernetes/go');

export const KUBERNETES_VERSION = requiredVersion('kubernetes', 'k8s.io/kubernetes');
const HELM_VERSION = requiredVersion('helm', 'helm.sh/helm/v3');
const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');

const setKubernetesVersion = [
  `-X k8s.io/component-base/version.gitVersion=${KUBERNETES_VERSION}`,
  `-X k8s.io/component-base/version.gitMajor=${major}`,
  `-X k8s.io/component-base/version.gitMinor=${minor}`,
];
const setHelmVersion = [
  `-X helm.sh/helm/v3/internal/version.version=${HELM_VERSION}`,
  ...['pkg/lint/rules', 'pkg/chartutil'].flatMap((folder) => [
    `-X helm.sh/helm/v3/${folder}.k8sVersionMajor=${major}`,
    `-X helm.sh/helm/v3/${folder}.k8sVersionMinor=${minor}`,
  ]),
];

const programs = {
  'control-plane': {
    module: 'kubernetes',
    package: './control-plane',
    links: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
    ldflags: setKubernetesVersion,
    minutes: 8.5,
  },
  kubectl: {
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kubectl',
    links: [],
    ldflags: setKubernetesVersion,
    minutes: 0.5,
  },
  // Not `node`: whoever has the folder on the PATH wants that of the machine.
  'kube-node': {
    module: 'kubernetes',
    package: './node',
    links: ['kubelet', 'kube-proxy'],
    ldflags: setKubernetesVersion,
    minutes: 0.5,
  },
  pause: { module: 'kubernetes', package: './pause', links: [], ldflags: [], minutes: 0.1 },
  coredns: { module: 'coredns', package: '.', links: [], ldflags: [], minutes: 2 },
  helm: { module: 'helm', package: 'helm.sh/helm/v3/cmd/helm', links: [], ldflags: setHelmVersion, minutes: 2 },
  kstatus: { module: 'kstatus', package: '.', links: [], ldflags: [], minutes: 0.3 },
  'metrics-server': {
    module: 'metrics-server',
    package: 'sigs.k8s.io/metrics-server/cmd/metrics-server',
    links: [],
    ldflags: [],
    minutes: 3,
  },
  versitygw: {
    module: 'versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    links: [],
    ldflags: [],
    minutes: 1.5,
  },
} satisfies Record<string, Program>;

export type ProgramName = keyof typeof programs;
/** Programs that are built when a test asks for them; `up` builds all others. */
const ON_DEMAND: readonly ProgramName[] = ['metrics-server', 'versitygw'];
export const CLUSTER_PROGRAMS = (Object.keys(programs) as ProgramName[]).filter((name) => !ON_DEMAND.includes(name));

/** Overridden by FLOWJOB_KUBERNETES_CACHE. Holds programs and images, nothing that a running cluster writes to. */
export function kubernetesCache(...names: string[]): string {
  const given = process.env['FLOWJOB_KUBERNETES_CACHE'];
  return join(given ?? cacheFolder(`kubernetes-${KUBERNETES_VERSION}`), ...names);
}

/** Builds those that are missing or that were built from other sources. Returns the folder that holds them and their links. */
export async function ensureBinaries(names: readonly ProgramName[], log: Log): Promise<string> {
  const bin = kubernetesCache('bin');
  if (missing(bin, names).length === 0) return bin;
  mkdirSync(bin, { recursive: true });
  const lock = await buildLock(join(bin, '.lock'), log);
  try {
    keepUnderItsName(bin, 'node', 'kube-node');
    const toBuild = missing(bin, names);
    if (toBuild.length === 0) return bin;
    const minutes = toBuild.reduce((sum, name) => sum + programs[name].minutes, 0);
    const cost = `up to ${minutes} CPU minutes, 0.5 GB to download, 6 GB of disk in Go's caches, 0.4 GB in ${bin}`;
    log(
      `building ${toBuild.join(', ')} from Go modules, once: ${cost}. Ctrl-C is safe: the next run goes on from there.`,
    );
    checkGo();
    for (const name of toBuild) await build(bin, name, log);
  } finally {
    lock.release();
  }
  return bin;
}

/** A stamp beside each program says from what it was built. */
function missing(bin: string, names: readonly ProgramName[]): ProgramName[] {
  return names.filter((name) => {
    const stamp = join(bin, `.${name}.source`);
    return !existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint(programs[name]);
  });
}

/** A program of a cache that was made when it had another name. */
function keepUnderItsName(bin: string, former: string, name: ProgramName): void {
  if (!existsSync(join(bin, `.${former}.source`)) || existsSync(join(bin, `.${name}.source`))) return;
  renameSync(join(bin, former), join(bin, name));
  link(bin, name);
  renameSync(join(bin, `.${former}.source`), join(bin, `.${name}.source`));
}

function link(bin: string, name: ProgramName): void {
  for (const other of programs[name].links) {
    rmSync(join(bin, other), { force: true });
    symlinkSync(name, join(bin, other));
  }
}

async function build(bin: string, name: ProgramName, log: Log): Promise<void> {
  const program = programs[name];
  for (const stale of readdirSync(bin).filter((file) => file.startsWith(`.${name}.partial`)))
    rmSync(join(bin, stale), { force: true });
  // A build whose starter was killed runs on for a while: it may not write into this one's file.
  const partial = join(bin, `.${name}.partial-${process.pid}`);
  const ldflags = ['-s', '-w', ...program.ldflags].join(' ');
  const begun = performance.now();
  let compiled = 0;
  const seconds = (): number => Math.round((performance.now() - begun) / 1000);
  const ticker = setInterval(() => log(`  ${name}: ${compiled} packages compiled, ${seconds()} s`), 15_000);
  try {
    const args = ['build', '-v', '-trimpath', '-ldflags', ldflags, '-o', partial, program.package];
    await go(args, join(modules, program.module), () => compiled++);
  } finally {
    clearInterval(ticker);
  }
  rmSync(join(bin, `.${name}.source`), { force: true });
  renameSync(partial, join(bin, name));
  link(bin, name);
  writeFileSync(join(bin, `.${name}.source`), fingerprint(program));
  log(`  ${name}: done in ${seconds()} s`);
}

/** `go build -v` names each package that it compiles on standard error, and nothing else unless it fails. */
async function go(args: string[], cwd: string, onPackage: () => void): Promise<void> {
  const child = spawn('go', args, {
    cwd,
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  const last: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    if (/^[\w./@-]+$/.test(line)) onPackage();
    last.push(line);
    if (last.length > 30) last.shift();
  }
  const code = child.exitCode ?? (await new Promise((ended) => child.once('exit', ended)));
  if (code !== 0) throw new Error(`go ${args.join(' ')} in ${cwd} failed:\n${last.join('\n')}`);
}

function checkGo(): void {
  const wanted = /^go (\d+\.\d+)/m.exec(readFileSync(join(modules, 'kubernetes', 'go.mod'), 'utf8'))?.[1] ?? '';
  try {
    // A Go that is too old but not very old downloads the one that go.mod asks for; it says so itself when it cannot.
    execFileSync('go', ['version'], { cwd: join(modules, 'kubernetes'), stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const why = (error as { stderr?: Buffer }).stderr?.toString() ?? 'there is no `go` on PATH';
    throw new Error(`Go ${wanted} or newer is needed to build Kubernetes (https://go.dev/dl/): ${why}`, {
      cause: error,
    });
  }
}

/** What a program is built from, as its stamp says. */
export const sourceOf = (name: ProgramName): string => fingerprint(programs[name]);

function fingerprint(program: Program): string {
  const folder = join(modules, program.module);
  const own = program.package.startsWith('./') ? join(folder, program.package) : folder;
  const files = new Set([...listFiles(folder, 'go.mod', 'go.sum'), ...listFiles(own, 'main.go')]);
  const hash = createHash('sha256').update(program.ldflags.join(' '));
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function listFiles(folder: string, ...names: string[]): string[] {
  return names.map((name) => join(folder, name)).filter((file) => existsSync(file));
}

function requiredVersion(module: string, path: string): string {
  const text = readFileSync(join(modules, module, 'go.mod'), 'utf8');
  const found = text.split('\n').find((line) =>
    line
      .trim()
      .replace(/^require /, '')
      .startsWith(`${path} v`),
  );
  const version = found?.split(' ').find((word) => /^v\d/.test(word));
  if (version === undefined) throw new Error(`${modules}/${module}/go.mod does not require ${path}`);
  return version;
}
