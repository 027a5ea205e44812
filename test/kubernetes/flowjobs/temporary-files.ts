// The folder for temporary files of a job's pods, and how it is filled until the pod is ended for it.
import { kubectl, NAMESPACE } from './operator.ts';

/** A role of a FlowJob whose pods have that emptyDir for temporary files. */
export const temporary = (emptyDir: object): object => ({
  podTemplate: { spec: { volumes: [{ name: 'tmp', emptyDir }] } },
});

/** Files of such a folder are memory of the container that writes them. */
export const temporaryInMemory = temporary({ medium: 'Memory' });

/** Writes so much into the folder for temporary files. The writer may die with the pod. */
export const fillTemporary = (mebibytes: number) => async (pod: string) =>
  kubectl
    .run('exec', pod, '-n', NAMESPACE, '--', 'dd', 'if=/dev/zero', 'of=/tmp/filled', 'bs=1M', `count=${mebibytes}`)
    .catch(() => null);
