// What a pod printed, all of it. What a container prints just before it ends may never reach the node's disk: so it stays until it is deleted, and a last line says
// that nothing is missing.
import { InVain, until } from '../harness/until.ts';
import type { Kubectl } from './kubectl.ts';

const WHOLE = '--that-is-all--';

/** The command of a container that runs `command`, prints the last line where that went well, and then stays for some minutes: delete its pod. */
export const tellingItsEnd = (command: readonly string[]): string[] => [
  ...['sh', '-c', `"$0" "$@" && echo ${WHOLE} && exec sleep 300`],
  ...command,
];

/** Waits until all is there that a pod prints whose command `tellingItsEnd` made. */
export async function wholeLog(kubectl: Kubectl, name: string, namespace: string): Promise<string> {
  const { text } = await until(
    `the whole log of pod ${name} can be read`,
    async () => {
      const { status } = await kubectl.get<{ status: { phase: string } }>('pod', name, '-n', namespace);
      const log = await kubectl.run('logs', name, '-n', namespace);
      if (log.endsWith(`${WHOLE}\n`)) return { text: log.slice(0, -WHOLE.length - 1) };
      if (status.phase === 'Failed') throw new InVain(`it failed: ${log}`);
      throw new Error(`${JSON.stringify(status)}\n${log.slice(-500)}`);
    },
    { seconds: 180, every: 200 },
  );
  return text;
}
