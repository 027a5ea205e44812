// The programs that fetch and run Apache Flink. Looked for by running them: a machine may have them from elsewhere than Debian.
import { join } from 'node:path';
import { tryRun } from '../kubernetes/command.ts';
import { aptInstall } from '../kubernetes/packages.ts';

const OLDEST_JAVA = 17;

/** What Flink is wanted for. To fetch it is to run it, too. */
type Purpose = 'fetch' | 'run';

interface Tool {
  /** Debian's package. */
  package: string;
  for: Purpose;
  isThere: () => Promise<boolean>;
}

const tools: Record<string, Tool> = {
  [`Java ${OLDEST_JAVA}`]: {
    package: `openjdk-${OLDEST_JAVA}-jre-headless`,
    for: 'run',
    isThere: async () => ((await javaVersion()) ?? 0) >= OLDEST_JAVA,
  },
  'python3 with pip': {
    package: 'python3-pip',
    for: 'fetch',
    isThere: async () => runs('python3', '-m', 'pip', '--version'),
  },
  Maven: { package: 'maven', for: 'fetch', isThere: async () => runs('mvn', '--version') },
  unzip: { package: 'unzip', for: 'fetch', isThere: async () => runs('unzip', '-v') },
};

const runs = async (program: string, ...args: string[]): Promise<boolean> => (await tryRun(program, ...args)) !== null;

/** Of the Java that Flink's scripts would take; null where there is none. */
async function javaVersion(): Promise<number | null> {
  const home = process.env['JAVA_HOME'];
  const java = home === undefined ? 'java' : join(home, 'bin', 'java');
  const said = await tryRun(java, '--version');
  const major = /^\S+ (\d+)/.exec(said ?? '')?.[1];
  return major === undefined ? null : Number(major);
}

async function missing(purpose: Purpose): Promise<string[]> {
  const needed = Object.entries(tools).filter(([, tool]) => purpose === 'fetch' || tool.for === 'run');
  const found = await Promise.all(needed.map(async ([name, tool]) => ((await tool.isThere()) ? [] : [name])));
  return found.flat();
}

/** Tools that are needed, not found, and not to be installed by us; empty when Flink can be fetched and run. */
export async function missingTools(): Promise<string[]> {
  return process.getuid?.() === 0 && (await runs('apt-get', '--version')) ? [] : missing('fetch');
}

/** @throws Error that says what to install, where that cannot be done here */
export async function installTools(purpose: Purpose, log: (line: string) => void): Promise<void> {
  const packages = (await missing(purpose)).map((name) => tools[name]!.package);
  await aptInstall(packages, log, { whoNeeds: 'Apache Flink' });
  const java = await javaVersion();
  if (java === null || java < OLDEST_JAVA)
    throw new Error(
      `Apache Flink needs Java ${OLDEST_JAVA} or newer; ${java === null ? 'none was found' : `found was ${java}`}` +
        ` (JAVA_HOME=${process.env['JAVA_HOME'] ?? ''}). Put a newer one on the PATH or into JAVA_HOME`,
    );
}
