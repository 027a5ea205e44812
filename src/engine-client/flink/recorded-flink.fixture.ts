// A JobManager that answers what Flink 2.3 was recorded to answer.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { EngineClient } from '../engine-client.ts';

/** Is the body of an error of the server. */
const ERROR_500 = /_500[.]json$/;

const recorded = resolve(__dirname, '../../../test/fixtures/flink-2.3');

export class RecordedFlink {
  /** By path: a recorded file, or what is answered. All others are 404. */
  answers: Record<string, string | object> = {};
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const answer = this.answers[request.url ?? ''];
      const failing = typeof answer === 'string' && ERROR_500.test(answer);
      response.writeHead(answer === undefined ? 404 : failing ? 500 : 200, { 'content-type': 'application/json' });
      const unknown = 'error_job_not_found.json';
      response.end(
        typeof answer === 'object' ? JSON.stringify(answer) : readFileSync(join(recorded, answer ?? unknown)),
      );
    });
  }

  static async start(): Promise<RecordedFlink> {
    const flink = new RecordedFlink();
    await new Promise<void>((done) => flink.server.listen(0, '127.0.0.1', done));
    return flink;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  client(): EngineClient {
    return new EngineClient({ url: this.url, token: null });
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
