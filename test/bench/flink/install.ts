// Puts Apache Flink together from public packages, once, into the user's cache folder: the distribution itself is not in any registry.
// Needs python3 with pip, Maven, unzip and Java 17; says which one is missing.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../harness/cache-folder.ts';

export const FLINK_VERSION = '2.3.0';

/** Tools that are needed and not found; empty when Flink can be installed and run. */
export function missingTools(): string[] {
  return ['java', 'python3', 'mvn', 'unzip'].filter((tool) => {
    try {
      execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
}

/** Returns the folder of a Flink distribution (lib/, opt/, plugins/, bin/, conf/), making it first if need be: about 350 MB, half a minute. */
export function installFlink(log: (line: string) => void): string {
  const home = cacheFolder(`flink-${FLINK_VERSION}`);
  if (existsSync(home)) return home;
  const missing = missingTools();
  if (missing.length > 0) throw new Error(`to install Flink ${FLINK_VERSION}, install first: ${missing.join(', ')}`);
  const work = cacheFolder(`flink-${FLINK_VERSION}.partial`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  log(`installing Flink ${FLINK_VERSION} (350 MB, once) ...`);
  const run = (command: string, args: string[]): void => {
    execFileSync(command, args, { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  const wheels = [`apache-flink-libraries==${FLINK_VERSION}`, `apache-flink==${FLINK_VERSION}`];
  run('python3', [
    '-m',
    'pip',
    'download',
    '-q',
    '--no-deps',
    '--only-binary=:all:',
    '--python-version',
    '311',
    '-d',
    'wheels',
    ...wheels,
  ]);
  for (const wheel of readdirSync(join(work, 'wheels'))) run('unzip', ['-q', '-o', join('wheels', wheel)]);
  run('mvn', [
    '-q',
    'dependency:get',
    `-Dartifact=org.apache.flink:flink-sql-gateway:${FLINK_VERSION}`,
    '-Dtransitive=false',
  ]);
  const gateway = `flink-sql-gateway-${FLINK_VERSION}.jar`;
  cpSync(
    join(homedir(), '.m2/repository/org/apache/flink/flink-sql-gateway', FLINK_VERSION, gateway),
    join(work, 'pyflink/opt', gateway),
  );
  mkdirSync(join(work, 'pyflink/log'), { recursive: true });
  run('sh', ['-c', 'chmod +x pyflink/bin/*']);
  renameSync(join(work, 'pyflink'), home);
  rmSync(work, { recursive: true, force: true });
  return home;
}
