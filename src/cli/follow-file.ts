// Prints a file that grows, line by line, as `tail -f` does.
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { LineSplitter } from './line-splitter.ts';

/** Milliseconds between looks: short for the eye, long for the machine. */
const LOOK_EVERY = 100;

/**
 * Gives every line of `path` to `line`, then those that are added until `signal` aborts; what stands there then is still read. A last line without its end is
 * given at the end.
 */
export async function followFile(
  path: string,
  options: { line: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  const file = await open(path, 'r');
  const buffer = new Uint8Array(65_536);
  const lines = new LineSplitter(options.line);
  const readOn = async (): Promise<void> => {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      lines.push(buffer.subarray(0, bytesRead));
    }
  };
  try {
    while (!options.signal.aborted) {
      await readOn();
      await pause(LOOK_EVERY, undefined, { signal: options.signal }).catch(() => undefined);
    }
    await readOn();
    lines.end();
  } finally {
    await file.close();
  }
}
