// How Flink itself divides the memory of its processes: its BashJavaUtils is asked many times in one JVM.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../kubernetes/command.ts';
import { FLINK_VERSION } from './distribution.ts';

export interface Division {
  role: 'jobmanager' | 'taskmanager';
  config: Readonly<Record<string, string>>;
}

/** What the JVM is started with, and what the process is told with -D; or why there is nothing. */
export type Divided = { jvm: string[]; options: Record<string, string> } | { refused: string };

const COMMANDS = { jobmanager: 'GET_JM_RESOURCE_PARAMS', taskmanager: 'GET_TM_RESOURCE_PARAMS' };
/** BashJavaUtils.EXECUTION_PREFIX. */
const RESULT = 'BASH_JAVA_UTILS_EXEC_RESULT:';

/** One for each that was asked, in their order. `home`: the folder of the distribution. */
export async function divideMemory(home: string, asked: readonly Division[]): Promise<Divided[]> {
  const work = mkdtempSync(join(tmpdir(), 'flowjob-memory-'));
  try {
    writeFileSync(join(work, 'config.yaml'), 'rest.address: localhost\n');
    const lines = asked.map(({ role, config }) =>
      [
        COMMANDS[role],
        '--configDir',
        work,
        ...Object.entries(config).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
      ].join('\t'),
    );
    const java = process.env['JAVA_HOME'] === undefined ? 'java' : join(process.env['JAVA_HOME'], 'bin', 'java');
    const classes = [join(home, 'bin/bash-java-utils.jar'), join(home, `lib/flink-dist-${FLINK_VERSION}.jar`)];
    const program = resolve(__dirname, 'DivideMemory.java');
    const output = await run(java, ['-cp', classes.join(':'), program], { input: `${lines.join('\n')}\n` });
    return output
      .split(/^ASKED\n/m)
      .slice(1)
      .map(divided);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function divided(output: string): Divided {
  const refused = /^REFUSED (.*)$/m.exec(output)?.[1];
  if (refused !== undefined) return { refused };
  const [jvm, options] = output
    .split('\n')
    .filter((line) => line.startsWith(RESULT))
    .map((line) => line.slice(RESULT.length));
  if (jvm === undefined || options === undefined) throw new Error(`BashJavaUtils said nothing: ${output}`);
  const pairs = options.split(/(?:^| )-D /).slice(1);
  return {
    jvm: jvm.split(' '),
    options: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  };
}
