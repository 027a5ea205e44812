// A cluster that the user has (kind, minikube, any): nothing is started, only its kubeconfig is put where tests look for it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { kubeconfigFile } from './folder.ts';

const marker = (folder: string): string => join(folder, 'context');

export interface OwnCluster {
  context: string;
  kubeconfig: string;
  version: string;
}

/** `context` undefined: the one that kubectl uses by itself. Uses the kubectl on PATH, which knows how the user logs in. Throws when it does not answer. */
export async function findOwnCluster(context: string | undefined): Promise<OwnCluster> {
  const name = context ?? (await currentContext());
  const kubeconfig = await run('kubectl', ['config', 'view', '--minify', '--flatten', '--context', name]);
  const version = await run('kubectl', ['--context', name, 'get', '--raw', '/version']);
  return { context: name, kubeconfig, version: (JSON.parse(version) as { gitVersion: string }).gitVersion };
}

export function useOwnCluster(folder: string, own: OwnCluster): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(kubeconfigFile(folder), own.kubeconfig, { mode: 0o600 });
  writeFileSync(marker(folder), own.context);
}

/** The context's name when a cluster of the user's is in use; else null. */
export function ownCluster(folder: string): string | null {
  return existsSync(marker(folder)) ? readFileSync(marker(folder), 'utf8') : null;
}

export function forgetOwnCluster(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** How the image gets there is the cluster's own matter. */
export function howToLoad(context: string, image = 'flowjob:dev', dockerfile = 'Dockerfile'): string {
  const kind = `kind load docker-image ${image} --name ${context.replace(/^kind-/, '')}`;
  const load = context.startsWith('kind-') ? kind : `kind load, minikube image load ${image}, or a push to a registry`;
  return `build the image and give it to your cluster ${context} yourself:\n  docker build --tag ${image} --file ${dockerfile} .\n  ${load}`;
}

async function currentContext(): Promise<string> {
  try {
    return (await run('kubectl', ['config', 'current-context'])).trim();
  } catch (error) {
    throw new Error(
      'there is no current context in your kubeconfig: name one with --context NAME, or start kind first',
      {
        cause: error,
      },
    );
  }
}
