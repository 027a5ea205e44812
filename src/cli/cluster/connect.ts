// A client for a person who waits: what cannot be reached is told at once, not tried again for half a minute.
import { systemClock } from '../../../engine/clock.ts';
import { ConnectionError, KubeError } from '../../kube/errors.ts';
import { loadAuthentication, type KubeConfigAuthentication } from '../../kube/rest/auth.ts';
import { Client } from '../../kube/rest/client.ts';
import { HttpsTransport, type HttpRequest, type HttpResponse } from '../../kube/rest/transport.ts';

class ImpatientTransport extends HttpsTransport {
  override async send(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await super.send(request);
    } catch (error) {
      // As no ConnectionError it is not repeated.
      if (error instanceof ConnectionError && !error.sent) throw new KubeError('CONNECTION', error.message, error);
      throw error;
    }
  }
}

export interface Connected {
  client: Client;
  authentication: KubeConfigAuthentication;
  server: string;
}

export async function connect(choice: {
  context: string | undefined;
  kubeconfig: string | undefined;
}): Promise<Connected> {
  const authentication = await loadAuthentication({
    file: choice.kubeconfig,
    context: choice.context,
    clock: systemClock,
  });
  const client = new Client({
    transport: new ImpatientTransport(authentication),
    clock: systemClock,
    random: Math.random,
    userAgent: 'flowjob',
  });
  return { client, authentication, server: (await authentication.credentials()).server.href };
}
