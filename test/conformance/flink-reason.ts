// Why Flink refuses a statement or fails, in a line.

/** The first line that says something, without classes and positions. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const causes = [...text.matchAll(/Caused by: [\w.$]+: ([^\n]+)/g)].map((match) => match[1]!);
  return (causes.at(-1) ?? text.split('\n')[0]!).slice(0, 160);
}
