// A Python that has PyFlink, put together once in the user's cache folder. Without the jars that come with it: Flink itself has them.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildLock } from '../harness/build-lock.ts';
import { cacheFolder } from '../harness/cache-folder.ts';
import { run } from '../kubernetes/command.ts';
import { FLINK_VERSION } from './releases.ts';
import { installTools } from './tools.ts';

/** Which minor versions of Python 3 there are packages for. */
const PYTHON = { oldest: 9, newest: 12 };

const VERSION = 'import sys; print(sys.version_info.minor)';
/** What PyFlink asks for, one a line. Its jars, 330 MB, are a package of their own. */
const REQUIREMENTS = `from importlib.metadata import requires
print("\\n".join(one for one in requires("apache-flink") if not one.startswith("apache-flink-libraries")))`;

/** Returns the program: the first time 90 MB are fetched, which takes some minutes, and 490 MB are kept. @throws Error of pip, or that says which Python it takes */
export async function ensurePyFlink(log: (line: string) => void): Promise<string> {
  const home = cacheFolder(`pyflink-${FLINK_VERSION}`);
  const python = join(home, 'bin', 'python3');
  /** Written last. */
  const whole = join(home, 'whole');
  if (existsSync(whole)) return python;
  await installTools('fetch', log);
  const lock = await buildLock(`${home}.lock`, log);
  try {
    if (existsSync(whole)) return python;
    const minor = Number(await run('python3', ['-c', VERSION]));
    if (minor < PYTHON.oldest || minor > PYTHON.newest)
      throw new Error(
        `PyFlink ${FLINK_VERSION} takes Python 3.${PYTHON.oldest} to 3.${PYTHON.newest}, and python3 is 3.${minor}. Put another one first on the PATH`,
      );
    log(`putting PyFlink ${FLINK_VERSION} together in ${home}, once (90 MB to fetch, 490 MB on disk): some minutes`);
    // Programs of an environment name its folder, so that it is made where it stays.
    rmSync(home, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', '--without-pip', home]);
    const install = async (...packages: string[]): Promise<string> =>
      run('python3', ['-m', 'pip', '--python', python, 'install', '--quiet', '--prefer-binary', ...packages]);
    await install('--no-deps', `apache-flink==${FLINK_VERSION}`);
    await install(...(await run(python, ['-c', REQUIREMENTS])).trim().split('\n'));
    writeFileSync(whole, '');
    return python;
  } finally {
    lock.release();
  }
}
