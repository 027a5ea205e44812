// How a program of the operator ends: at once, with a line in the log, when an error was caught by nobody; in order when it is asked to.

export interface EndLog {
  info(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
}

/** What was going on is unknown after such an error; whoever started the process starts another, which finds the world as it is. */
export function endOnUncaught(log: EndLog): void {
  for (const kind of ['unhandledRejection', 'uncaughtException'] as const)
    process.on(kind, (error: unknown) => {
      log.fatal({ err: error }, kind);
      process.exit(1);
    });
}

/** Aborts when the process is asked to end. Jobs run on without the operator; the next one takes them up. */
export function endSignal(log: EndLog): AbortSignal {
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      log.info({ signal }, 'ending; jobs run on');
      ending.abort();
    });
  return ending.signal;
}
