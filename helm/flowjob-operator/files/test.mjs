// `helm test`: applies a tiny batch FlowJob, waits until it is complete, and clears it away, its volume too. Exits with 1, and says why, when it is not.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const { env } = process;
const { JOB_NAMESPACE: namespace, JOB_NAME: name, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const jobs = `/apis/flowjob.dev/v1alpha1/namespaces/${namespace}/flowjobs`;
const claim = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}-state`;

/** The server's answer; null for 404. Its certificate is checked: NODE_EXTRA_CA_CERTS. */
async function call(method, path, body) {
  const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
  const response = await fetch(server + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json();
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.message}`);
  return answer;
}

async function until(what, holds) {
  const deadline = performance.now() + Number(env.TIMEOUT_SECONDS) * 1000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${env.TIMEOUT_SECONDS} s`);
    await pause(500);
  }
}

async function clearAway() {
  await call('DELETE', `${jobs}/${name}`);
  await until(`flowjob ${namespace}/${name} is gone`, async () => (await call('GET', `${jobs}/${name}`)) === null);
  await call('DELETE', claim);
}

const sql = `
  CREATE TABLE numbers (n BIGINT, k INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000');
  CREATE TABLE counts (k INT, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '/flowjob/state/out', 'format' = 'csv');
  INSERT INTO counts SELECT k, COUNT(*) FROM numbers GROUP BY k;`;

let said = '';
await clearAway();
await call('POST', jobs, {
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { name },
  spec: {
    mode: 'Batch',
    job: { sql: { inline: sql } },
    state: { storage: { persistentVolumeClaim: JSON.parse(env.CLAIM) } },
  },
});
try {
  const { status } = await until(`flowjob ${namespace}/${name} is complete`, async () => {
    const job = await call('GET', `${jobs}/${name}`);
    const conditions = job?.status?.conditions ?? [];
    const ready = conditions.find(({ type }) => type === 'Ready');
    const now = `${job?.status?.state ?? 'not seen by the operator'}: ${ready?.reason ?? ''} ${ready?.message ?? ''}`;
    if (now !== said) console.log(now);
    said = now;
    const is = (type) => conditions.some((one) => one.type === type && one.status === 'True');
    if (is('Failed')) throw new Error(`flowjob ${namespace}/${name} failed: ${ready?.message}`);
    return is('Complete') ? job : null;
  });
  console.log(`complete: ${status.batch.rowsIn} rows read, ${status.batch.rowsOut} written`);
} finally {
  await clearAway();
}
