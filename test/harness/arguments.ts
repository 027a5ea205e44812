// The command lines of the long-running programs beside the tests: what is not known starts none of them.
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

interface Program<T extends ParseArgsOptionsConfig> {
  usage: string;
  options: T;
  /** Whether words beside the options may be given. */
  words: boolean;
}

/** Ends the process with code 0 for `--help`, with code 1 for what is not known; prints `usage` for both. */
export function argumentsOf<T extends ParseArgsOptionsConfig>({ usage, options, words }: Program<T>) {
  try {
    const help = { type: 'boolean', short: 'h' } as const;
    const { values, positionals } = parseArgs({ options: { ...options, help }, allowPositionals: words });
    if ((values as { help?: boolean }).help === true) return leave(usage, 0);
    return { values, words: positionals as string[] };
  } catch (error) {
    return leave(`${error instanceof Error ? error.message : String(error)}\n${usage}`, 1);
  }
}

function leave(text: string, code: number): never {
  if (code === 0) console.log(text);
  else console.error(text);
  process.exit(code);
}
