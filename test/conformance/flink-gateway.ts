// Flink's SQL gateway, with a cluster inside its own process or before one that runs: statements and their results over REST.
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { flattenConfig } from '../../engine/config.ts';
import type { FlinkConfig } from '../flink/session-cluster.ts';
import { freePorts } from '../kubernetes/ports.ts';

interface Page {
  resultType?: string;
  nextResultUri?: string;
  results?: { data: { fields: (string | null)[] }[] };
  errors?: string[];
}

export class SqlGateway {
  private readonly child: ChildProcess;
  private readonly rest: string;
  private session = '';

  private constructor(child: ChildProcess, rest: string) {
    this.child = child;
    this.rest = rest;
  }

  /**
   * Starts a gateway of the distribution in `home` and opens a batch session in UTC. `work` receives configuration and logs; `config` comes on top of what
   * this sets: jobs run inside the gateway, unless it names a cluster.
   */
  static async start(home: string, work: string, config: FlinkConfig = {}): Promise<SqlGateway> {
    const conf = join(work, 'conf');
    mkdirSync(join(work, 'log'), { recursive: true });
    cpSync(join(home, 'conf'), conf, { recursive: true });
    const [port] = await freePorts(1);
    const options = {
      ...flattenConfig(parse(readFileSync(join(home, 'conf/config.yaml'), 'utf8'))),
      'execution.target': 'local',
      'parallelism.default': 1,
      'sql-gateway.endpoint.rest.address': 'localhost',
      'sql-gateway.endpoint.rest.bind-address': 'localhost',
      'sql-gateway.endpoint.rest.port': port,
      ...config,
    };
    writeFileSync(join(conf, 'config.yaml'), stringify(options, { lineWidth: 0 }));
    const env = { ...process.env, FLINK_CONF_DIR: conf, FLINK_LOG_DIR: join(work, 'log') };
    const child = spawn(join(home, 'bin/sql-gateway.sh'), ['start-foreground'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const log = createWriteStream(join(work, 'log', 'gateway.out'));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    const gateway = new SqlGateway(child, `http://localhost:${port}`);
    try {
      await gateway.open('BATCH');
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  /** Statements run in a new session from now on, which knows no table. Before a cluster an INSERT runs to its end. */
  async open(mode: 'STREAMING' | 'BATCH'): Promise<void> {
    const deadline = Date.now() + 90_000;
    const properties = {
      'execution.runtime-mode': mode,
      'table.dml-sync': 'true',
      'table.local-time-zone': 'UTC',
      'execution.batch.adaptive.auto-parallelism.enabled': 'false',
    };
    this.session = '';
    while (this.session === '') {
      const response = await fetch(`${this.rest}/v2/sessions`, {
        method: 'POST',
        body: JSON.stringify({ properties }),
      }).catch(() => null);
      if (response?.ok === true) this.session = ((await response.json()) as { sessionHandle: string }).sessionHandle;
      else if (Date.now() > deadline) throw new Error('the SQL gateway does not answer');
      else await delay(200);
    }
  }

  /** Runs one statement to its end; numbers are as Flink wrote them, times in ISO form. @throws Error with Flink's message and causes */
  async run(statement: string): Promise<(string | null)[][]> {
    const base = `${this.rest}/v2/sessions/${this.session}`;
    const started = await this.page(`${base}/statements`, { statement });
    const { operationHandle } = started as unknown as { operationHandle: string };
    let uri: string | undefined = `/v2/sessions/${this.session}/operations/${operationHandle}/result/0?rowFormat=JSON`;
    const rows: (string | null)[][] = [];
    while (uri !== undefined) {
      const page: Page = await this.page(this.rest + uri);
      if (page.resultType === 'NOT_READY') await delay(20);
      rows.push(...(page.results?.data.map(({ fields }) => fields) ?? []));
      uri = page.nextResultUri;
    }
    await fetch(`${base}/operations/${operationHandle}/close`, { method: 'DELETE' });
    return rows;
  }

  private async page(url: string, body?: object): Promise<Page> {
    const response = await fetch(url, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
    const page = parseExactly(await response.text()) as Page;
    if (page.errors !== undefined) throw new Error(page.errors.join('\n'));
    return page;
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.pid === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-child.pid, 'SIGTERM');
    await Promise.race([gone, delay(10_000, undefined, { ref: false })]);
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  }
}

/** JSON with numbers and booleans among a row's fields as the text that they were written as. */
function parseExactly(text: string): unknown {
  return JSON.parse(text, function (this: unknown, _key, value: unknown, context?: { source?: string }) {
    return Array.isArray(this) && (typeof value === 'number' || typeof value === 'boolean')
      ? (context?.source ?? String(value))
      : value;
  });
}
