// Where the API server is and as whom we speak: kubeconfig files, exec plugins, a pod's rotating token, proxies. All of it is `KubeConfig` of
// @kubernetes/client-node and nothing else of that package is used (docs/adr says why); it is loaded when it is first needed.
import { createHash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { KubeError } from '../errors.ts';
import type { Clock } from '../time.ts';

export interface Credentials {
  server: URL;
  /** Keeps connections. */
  agent: HttpAgent;
  headers: Record<string, string>;
}

export interface Authentication {
  credentials(): Promise<Credentials>;
  /** Forgets what it has: after a 401, or when kept connections are dead. */
  renew(cause: 'credentials' | 'connections'): void;
}

export interface KubeConfigOptions {
  /** A kubeconfig file. Default: KUBECONFIG, ~/.kube/config, or a pod's service account, in this order. */
  file?: string | undefined;
  /** A context of it. Default: the current one. */
  context?: string | undefined;
  clock: Clock;
}

/** Credentials are asked for again after so long: a pod's token and an exec plugin's certificate change under way. Milliseconds. */
const FRESH_FOR = 10_000;
/** That are kept after a burst of calls: each holds memory here and at the server. */
const IDLE_CONNECTIONS = 16;

/** What `KubeConfig` names the context that it makes up when it found nothing. */
const MADE_UP = 'loaded-context';

/** Reads the configuration once, so that its faults are told at the start. */
export async function loadAuthentication(options: KubeConfigOptions): Promise<KubeConfigAuthentication> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  return new KubeConfigAuthentication(() => load(new KubeConfig(), options), options.clock);
}

function load(config: KubeConfig, { file, context }: KubeConfigOptions): KubeConfig {
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    throw new KubeError('CONFIG', `the kubeconfig cannot be read: ${(error as Error).message}`, error);
  }
  if (file === undefined && config.getCurrentContext() === MADE_UP)
    throw new KubeError('CONFIG', 'no cluster is configured: set KUBECONFIG, or have a ~/.kube/config');
  if (context !== undefined) config.setCurrentContext(context);
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(config.getCurrentContext()))
    throw new KubeError(
      'CONFIG',
      `the kubeconfig has no context "${config.getCurrentContext()}"; it has: ${names.join(', ') || 'none'}`,
    );
  if (config.getCurrentCluster() === null)
    throw new KubeError('CONFIG', `context "${config.getCurrentContext()}" names a cluster that the kubeconfig lacks`);
  return config;
}

export class KubeConfigAuthentication implements Authentication {
  private readonly load: () => KubeConfig;
  private readonly clock: Clock;
  private config: KubeConfig;
  private cached: { credentials: Promise<Credentials>; until: number } | null = null;
  private agent: { fingerprint: string; agent: HttpAgent } | null = null;

  constructor(load: () => KubeConfig, clock: Clock) {
    this.load = load;
    this.clock = clock;
    this.config = load();
  }

  /** The namespace of the context, as kubectl would use it. */
  get namespace(): string {
    return this.config.getContextObject(this.config.getCurrentContext())?.namespace ?? 'default';
  }

  get context(): string {
    return this.config.getCurrentContext();
  }

  /** Requests that come at the same moment share one run of an exec plugin. */
  credentials(): Promise<Credentials> {
    if (this.cached === null || this.clock.monotonic() >= this.cached.until) {
      const credentials = this.obtain();
      this.cached = { credentials, until: this.clock.monotonic() + FRESH_FOR };
      credentials.catch(() => (this.cached = null));
    }
    return this.cached.credentials;
  }

  renew(cause: 'credentials' | 'connections'): void {
    this.cached = null;
    if (cause === 'credentials') this.config = this.load();
    // Requests that are under way keep their sockets; idle ones are not used again.
    for (const sockets of Object.values(this.agent?.agent.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
  }

  private async obtain(): Promise<Credentials> {
    const cluster = this.config.getCurrentCluster()!;
    const options: RequestOptions = {};
    let agent: HttpAgent;
    try {
      await this.config.applyToHTTPSOptions(options);
      agent = this.agentFor(options);
    } catch (error) {
      const message = `no credentials for context "${this.context}": ${(error as Error).message}`;
      throw new KubeError('CONFIG', message, error);
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {}))
      if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
    if (typeof options.auth === 'string')
      headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    return { server: new URL(cluster.server), agent, headers };
  }

  /** KubeConfig makes an agent per request, which would be a TLS handshake per request: one is kept for as long as nothing about it changes. */
  private agentFor(options: RequestOptions): HttpAgent {
    const { ca, cert, key, servername, rejectUnauthorized } = options as RequestOptions & { servername?: string };
    const { server, proxyUrl } = this.config.getCurrentCluster()!;
    const facts = [ca, cert, key, servername, rejectUnauthorized, server, proxyUrl].map((fact) =>
      Buffer.isBuffer(fact) ? fact.toString('base64') : fact,
    );
    const fingerprint = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
    if (this.agent?.fingerprint === fingerprint) return this.agent.agent;
    const theirs = options.agent as HttpsAgent;
    // KubeConfig's own agent knows the way through a proxy.
    const agent = proxyUrl !== undefined && proxyUrl !== '' ? theirs : directAgent(server, theirs);
    this.agent = { fingerprint, agent };
    return agent;
  }
}

function directAgent(server: string, { options }: HttpsAgent): HttpAgent {
  const keep = { keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS };
  if (server.startsWith('http:')) return new HttpAgent(keep);
  // Node would read the certificates anew for every connection, and hold each copy until the next collection of garbage.
  return new HttpsAgent({ ...options, ...keep, secureContext: createSecureContext(options) });
}
