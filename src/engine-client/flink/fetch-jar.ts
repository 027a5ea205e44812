// Fetches the jar of a job before its JobManager starts. What comes is checked while it comes, and has its name only once it is whole.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { JarError, told, type OpenJar } from './jar-source.ts';

export interface JarRequest {
  /** `http:`, `https:` or `s3:` */
  uri: string;
  /** 64 hex digits; undefined: whatever comes is taken. */
  sha256: string | undefined;
  /** Path of the file to be. */
  to: string;
}

export interface FetchOptions {
  /** As the URI's scheme wants it. */
  open: OpenJar;
  /** Waits so many milliseconds. */
  pause: (ms: number) => Promise<void>;
  /** Told of each try that failed and is repeated. */
  onRetry: (message: string) => void;
  /** Milliseconds without a byte after which a try is given up. */
  stallMs: number;
}

/** Milliseconds before each further try. */
const WAITS = [1_000, 2_000, 4_000, 8_000, 16_000];

/** Tries again what may be better soon. Throws JarError. */
export async function fetchJar(request: JarRequest, options: FetchOptions): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await fetchOnce(request, options);
    } catch (error) {
      if (!(error instanceof JarError)) throw error;
      const wait = WAITS[failures];
      if (!error.transient || wait === undefined) throw error;
      options.onRetry(`${error.message} (tried again in ${wait / 1000} s)`);
      await options.pause(wait);
    }
  }
}

async function fetchOnce({ uri, sha256, to }: JarRequest, { open, stallMs }: FetchOptions): Promise<void> {
  const name = told(uri);
  const stall = new AbortController();
  let timer = setTimeout(() => stall.abort(), stallMs);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stall.abort(), stallMs);
  };
  const part = `${to}.part`;
  const digest = createHash('sha256');
  let head = Buffer.alloc(0);
  try {
    const body = await open({ uri, sha256 }, stall.signal);
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          alive();
          digest.update(chunk);
          if (head.length < HEAD) head = Buffer.concat([head, chunk]).subarray(0, HEAD);
          yield chunk;
        }
      },
      createWriteStream(part),
      { signal: stall.signal },
    );
    check(name, sha256, digest.digest('hex'), head);
    await rename(part, to);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof JarError || isOfDisk(error)) throw error;
    const why = stall.signal.aborted ? `nothing came for ${stallMs / 1000} s` : causeOf(error);
    throw new JarError(
      'JAR_UNREACHABLE',
      `spec.job.jar.uri: ${name} could not be fetched: ${why} -> correct the uri, or see that the pod may reach it`,
      true,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes that are looked at of the beginning. */
const HEAD = 64;
/** With which every jar begins: it is a ZIP file. */
const MAGIC = 'PK';

function check(name: string, wanted: string | undefined, got: string, head: Buffer): void {
  if (wanted !== undefined && wanted !== got)
    throw new JarError(
      'JAR_WRONG',
      `spec.job.jar.sha256: ${name} is not the jar that is named: its SHA-256 is ${got}, not ${wanted} -> write that if it is the jar that is meant, or correct the uri`,
      false,
    );
  if (head.subarray(0, MAGIC.length).toString('latin1') !== MAGIC)
    throw new JarError(
      'JAR_WRONG',
      `spec.job.jar.uri: what ${name} answers is no jar: it begins with ${JSON.stringify(head.toString('latin1').split('\n', 1)[0])} -> correct the uri`,
      false,
    );
}

const isOfDisk = (error: unknown): boolean =>
  ['ENOSPC', 'EACCES', 'EROFS', 'EDQUOT', 'ENOENT'].includes((error as NodeJS.ErrnoException | null)?.code ?? '');

/** fetch says `fetch failed`, and why in its cause. */
function causeOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
}
