// What a pod printed, all of it. The log of a container may still be on its way to the node's disk when its pod has ended: a last line says that nothing is missing.
import { InVain, until } from '../harness/until.ts';
import type { Kubectl } from './kubectl.ts';

const WHOLE = '--that-is-all--';

/** The command of a container that runs `command`, and then prints the last line. */
export const tellingItsEnd = (command: readonly string[]): string[] => [
  ...['sh', '-c', `"$0" "$@" && echo ${WHOLE}`],
  ...command,
];

/** Waits for the end of a pod whose command `tellingItsEnd` made. */
export async function wholeLog(kubectl: Kubectl, name: string, namespace: string): Promise<string> {
  const log = (): Promise<string> => kubectl.run('logs', name, '-n', namespace);
  await until(
    `pod ${name} has ended well`,
    async () => {
      const { status } = await kubectl.get<{ status: { phase: string } }>('pod', name, '-n', namespace);
      if (status.phase === 'Succeeded') return true;
      if (status.phase === 'Failed') throw new InVain(`it failed: ${await log()}`);
      throw new Error(JSON.stringify(status));
    },
    { seconds: 120, every: 200 },
  );
  return until(
    `the whole log of ${name} can be read`,
    async () => {
      const text = await log();
      if (!text.endsWith(`${WHOLE}\n`)) throw new Error(text);
      // May be nothing at all.
      return { text: text.slice(0, -WHOLE.length - 1) };
    },
    { seconds: 60, every: 200 },
  ).then(({ text }) => text);
}
