// The volume that the demo's jobs share, and a pod that mounts it: flights go in, results come out.
import { createReadStream } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { CONTAINER_SECURITY, PATHS, podSecurity } from '../../../src/runtime/kubernetes/pods.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import type { Row } from '../compare.ts';

export const CLAIM = 'flights';
const POD = 'files';
export const FLIGHTS = `${PATHS.state}/flights-3m.parquet`;
export const OUT = `${PATHS.state}/out`;

export class Volume {
  private readonly kubectl: Kubectl;
  private readonly namespace: string;

  constructor(kubectl: Kubectl, namespace: string) {
    this.kubectl = kubectl;
    this.namespace = namespace;
  }

  /** Answers the node on which the volume is: pods that share it have to be there. */
  async create(image: string): Promise<string> {
    const metadata = { namespace: this.namespace };
    const resources = { requests: { storage: '2Gi' } };
    const claim = { accessModes: ['ReadWriteOnce'], resources };
    const spec = {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: podSecurity('Embedded'),
      containers: [
        {
          name: POD,
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['sleep', 'infinity'],
          securityContext: CONTAINER_SECURITY,
          volumeMounts: [{ name: 'state', mountPath: PATHS.state }],
        },
      ],
      volumes: [{ name: 'state', persistentVolumeClaim: { claimName: CLAIM } }],
    };
    await this.kubectl.apply([
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { ...metadata, name: CLAIM }, spec: claim },
      { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: POD }, spec },
    ]);
    await this.kubectl.run('wait', '--for=condition=Ready', `pod/${POD}`, ...this.within, '--timeout=120s');
    return this.kubectl.run('get', 'pod', POD, ...this.within, '--output', 'jsonpath={.spec.nodeName}');
  }

  /** Copies a file of this machine to `path` in the volume. */
  async put(file: string, path: string): Promise<void> {
    const args = ['exec', '--stdin', POD, ...this.within, '--', 'sh', '-c', `cat > ${path}`];
    const child = spawn(this.kubectl.program, ['--kubeconfig', this.kubectl.kubeconfig, ...args], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = once(child, 'exit');
    await pipeline(createReadStream(file), child.stdin);
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`${file} could not be copied into the volume`);
  }

  /** Lines of the part files that readers may see: those in progress begin with a dot. */
  async lines(folder: string): Promise<string[]> {
    const script = `[ ! -d ${folder} ] || find ${folder} -type f -name 'part-*' -exec cat {} +`;
    const text = await this.kubectl.run('exec', POD, ...this.within, '--', 'sh', '-c', script);
    return text.split('\n').filter((line) => line !== '');
  }

  async jsonRows(folder: string): Promise<Row[]> {
    return (await this.lines(folder)).map((line) => JSON.parse(line) as Row);
  }

  private get within(): string[] {
    return ['--namespace', this.namespace];
  }
}
