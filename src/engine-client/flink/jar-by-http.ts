// A jar that a web server has.
import { Readable } from 'node:stream';
import { JarError, mayPass, told, type OpenJar } from './jar-source.ts';

export const openByHttp: OpenJar = async ({ uri, sha256 }, signal) => {
  const name = told(uri);
  const response = await fetch(uri, { signal });
  if (!response.ok || response.body === null) throw refusal(name, response);
  if (response.url.startsWith('http:') && sha256 === undefined)
    throw new JarError(
      'JAR_WRONG',
      `spec.job.jar.uri: ${name} leads to ${told(response.url)}, where it could be another jar -> add sha256, or name an address that stays with https`,
      false,
    );
  return Readable.fromWeb(response.body) as AsyncIterable<Buffer>;
};

function refusal(name: string, { status, statusText }: Response): JarError {
  const remedy =
    status === 401 || status === 403
      ? 'let the pod read it without a password, or put the jar into the image'
      : 'correct the uri, or see that the jar is there';
  return new JarError(
    'JAR_REFUSED',
    `spec.job.jar.uri: ${name} answered ${`${status} ${statusText}`.trim()} -> ${remedy}`,
    mayPass(status),
  );
}
