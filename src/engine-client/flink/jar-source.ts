// The port "where a job's jar comes from", and what goes wrong there.

/** Answers with the bytes of the jar as they come; `signal` aborts when nothing has come for too long. Throws JarError; whatever else it throws was in the way to the server. */
export type OpenJar = (
  jar: { uri: string; sha256: string | undefined },
  signal: AbortSignal,
) => Promise<AsyncIterable<Buffer>>;

/** `JAR_UNREACHABLE`: the server could not be asked, or broke off. `JAR_REFUSED`: it answers with an error. `JAR_WRONG`: what came is not the jar that is meant. */
export class JarError extends Error {
  readonly code: 'JAR_UNREACHABLE' | 'JAR_REFUSED' | 'JAR_WRONG';
  /** Whether the same question may have another answer soon. */
  readonly transient: boolean;

  constructor(code: JarError['code'], message: string, transient: boolean) {
    super(`${code}: ${message}`);
    this.name = 'JarError';
    this.code = code;
    this.transient = transient;
  }
}

/** Without what follows `?`, which may be a right to read. */
export const told = (uri: string): string => uri.replace(/\?.*$/, '');

/** Whether a server that answers with this status of HTTP may answer otherwise soon. */
export const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500;
