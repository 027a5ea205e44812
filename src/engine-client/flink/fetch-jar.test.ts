// Fetching a jar from a real HTTP server: what is taken, what is tried again, and what is told.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchJar } from './fetch-jar.ts';
import { openByHttp } from './jar-by-http.ts';

const JAR = Buffer.from(`PK${'x'.repeat(200_000)}`);
const sha256 = createHash('sha256').update(JAR).digest('hex');
let server: Server;
let folder: string;
/** One for each request; the last one for all that follow. */
let answers: ((response: ServerResponse) => void)[];
let waits: number[];

const good = (response: ServerResponse): void => void response.end(JAR);
const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end('no');
const text = (body: string) => (response: ServerResponse) => void response.end(body);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flowjob-jar-'));
  waits = [];
  server = createServer((_, response) => (answers.length > 1 ? answers.shift()! : answers[0]!)(response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const get = (wanted: string | undefined = sha256, stallMs = 30_000): Promise<void> =>
  fetchJar(
    {
      uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.jar?key=secret`,
      sha256: wanted,
      to: join(folder, 'job.jar'),
    },
    {
      open: openByHttp,
      pause: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
      onRetry: () => undefined,
      stallMs,
    },
  );

const failure = async (...args: Parameters<typeof get>): Promise<string> => {
  const error = await get(...args).then(
    () => null,
    (reason: unknown) => reason as Error,
  );
  expect(readdirSync(folder)).toEqual([]);
  expect(error?.message).not.toContain('secret');
  return error?.message ?? 'it was fetched';
};

test('the jar that is named is there, whole', async () => {
  answers = [good];
  await get();
  expect(readFileSync(join(folder, 'job.jar')).equals(JAR)).toBe(true);
  expect(readdirSync(folder)).toEqual(['job.jar']);
});

test('a server that is out of order for a while, or breaks off, is asked again and again', async () => {
  const breaksOff = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': JAR.length });
    response.write(JAR.subarray(0, 1000), () => response.destroy());
  };
  answers = [status(503), breaksOff, status(429), good];
  await get();
  expect(waits).toEqual([1_000, 2_000, 4_000]);
});

test('after six tries it is given up, with what the server said', async () => {
  answers = [status(503)];
  expect(await failure()).toMatch(
    /^JAR_REFUSED: spec\.job\.jar\.uri: http:.*\/a\.jar answered 503 .* -> correct the uri/,
  );
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
});

test('a server that stops sending is given up like one that is not there', async () => {
  answers = [(response) => void response.writeHead(200).write('PK')];
  expect(await failure(sha256, 50)).toMatch(/^JAR_UNREACHABLE: .* could not be fetched: nothing came for 0.05 s/);
  expect(waits).toHaveLength(5);
});

test.each([
  ['that is not there', status(404), sha256, /answered 404 .*see that the jar is there/],
  ['that needs a password', status(403), sha256, /answered 403 .*without a password/],
  ['that is another', good, '0'.repeat(64), new RegExp(`its SHA-256 is ${sha256}, not 0{64} -> write that`)],
  ['that comes by http and is not named', good, undefined, /could be another jar -> add sha256/],
])('a jar %s is refused at once', async (_, answer, wanted, told) => {
  answers = [answer];
  // Not `wanted`: an undefined argument would take the default.
  const message = wanted === undefined ? await withoutSum() : await failure(wanted);
  expect(message).toMatch(told);
  expect(waits).toEqual([]);
});

const withoutSum = async (): Promise<string> => {
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.jar`;
  const options = { open: openByHttp, pause: () => Promise.resolve(), onRetry: () => undefined, stallMs: 30_000 };
  return fetchJar({ uri, sha256: undefined, to: join(folder, 'job.jar') }, options).then(
    () => 'it was fetched',
    (error: Error) => error.message,
  );
};

test('a page that is no jar is told by how it begins', async () => {
  const page = '<!DOCTYPE html>\nLog in';
  answers = [text(page)];
  expect(await failure(createHash('sha256').update(page).digest('hex'))).toContain('it begins with "<!DOCTYPE html>"');
});
