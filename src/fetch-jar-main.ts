// `fetch-jar`: the init container of a JobManager whose job comes as a jar from elsewhere. Its last line on standard error says why it failed: the kubelet puts
// that into the pod's status, where the operator finds it.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { JarOnS3 } from './api/jar.ts';
import { fetchJar } from './engine-client/flink/fetch-jar.ts';
import { openByHttp } from './engine-client/flink/jar-by-http.ts';
import type { OpenJar } from './engine-client/flink/jar-source.ts';

const { values } = parseArgs({
  options: {
    uri: { type: 'string' },
    sha256: { type: 'string' },
    to: { type: 'string' },
    /** How S3 is reached, as JSON; credentials are in the environment. */
    s3: { type: 'string' },
  },
});
const { uri, sha256, to, s3 } = values;
if (uri === undefined || to === undefined) {
  console.error('fetch-jar: --uri and --to are needed');
  process.exit(2);
}
try {
  await fetchJar(
    { uri, sha256, to },
    {
      open: s3 === undefined ? openByHttp : await openOnS3(JSON.parse(s3) as JarOnS3),
      pause: async (ms) => {
        await pause(ms);
      },
      onRetry: (message) => console.log(message),
      stallMs: 30_000,
    },
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/** The client is read only where it is needed: it is larger than all the rest. */
async function openOnS3(s3: JarOnS3): Promise<OpenJar> {
  return (await import('./engine-client/flink/jar-on-s3.ts')).openOnS3(s3);
}
