// A pod that serves one jar by HTTP, in the namespace of the tests: what fetches jars is tried with it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { IMAGE, kubectl } from '../flowjobs/operator.ts';

const NAME = 'jars';
const SERVER = `
  const { createServer } = require('node:http');
  const { readFileSync } = require('node:fs');
  createServer(({ url }, response) => {
    if (url !== '/job.jar') return response.writeHead(404).end();
    response.end(readFileSync('/jars/job.jar'));
  }).listen(8080);`;

export interface ServedJar {
  uri: string;
  sha256: string;
}

/** The jar is small: a ConfigMap holds it. */
export async function serveJar(file: string, namespace: string): Promise<ServedJar> {
  const bytes = readFileSync(file);
  const metadata = { name: NAME, namespace, labels: { app: NAME } };
  const pod = {
    securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: NAME,
        image: IMAGE,
        command: ['node', '-e', SERVER],
        readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: NAME, mountPath: '/jars' }],
      },
    ],
    volumes: [{ name: NAME, configMap: { name: NAME } }],
  };
  await kubectl.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, binaryData: { 'job.jar': bytes.toString('base64') } },
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: pod },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: NAME }, ports: [{ port: 8080 }] } },
  ]);
  await kubectl.run('wait', `pod/${NAME}`, '-n', namespace, '--for=condition=Ready', '--timeout=120s');
  return {
    uri: `http://${NAME}.${namespace}.svc:8080/job.jar`,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
