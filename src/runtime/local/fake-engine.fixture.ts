// A stand-in for the engine in tests of the operator: the same command line, files, storage and REST answers, and no data. What it does is told by
// comments in its SQL: `-- finish`, `-- fail`. Its state is the number of checkpoints ever taken, so that a lost one shows.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { LocalCheckpointStorage } from '../../../engine/checkpoint/local-storage.ts';
import type { Manifest } from '../../../engine/checkpoint/storage.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'config-dir': { type: 'string', default: '' },
    'job-id': { type: 'string', default: '' },
    'attempt-epoch': { type: 'string', default: '0' },
    'sql-file': { type: 'string', default: '' },
    'from-savepoint': { type: 'string' },
    'resource-id': { type: 'string' },
  },
});

if (positionals[0] === 'jobmanager') await jobManager();
else setInterval(() => undefined, 1_000);

async function jobManager(): Promise<void> {
  const config = parse(readFileSync(join(values['config-dir'], 'config.yaml'), 'utf8')) as Record<string, string>;
  const storage = new LocalCheckpointStorage(config['flowjob.state.dir']!);
  const token = readFileSync(config['flowjob.token-file']!, 'utf8').trim();
  const sql = readFileSync(values['sql-file'], 'utf8');
  const jobId = values['job-id'];
  const epoch = Number(values['attempt-epoch']);
  const attempt = await storage.acquireAttempt(epoch, 'fake');

  const startTime = Date.now();
  const restored = (await storage.listCheckpoints(jobId))[0]?.path ?? values['from-savepoint'];
  let count = restored === undefined ? 0 : (await storage.readManifest(restored)).checkpointId;
  let status = (await storage.readJobResult(jobId))?.state ?? 'RUNNING';
  const operations = new Map<string, object>();

  const publish = async (kind: Manifest['kind'], path: (id: number) => string): Promise<string> => {
    const checkpointId = ++count;
    const directory = path(checkpointId);
    await storage.publishManifest(attempt, directory, {
      formatVersion: 2,
      kind,
      jobId,
      jobName: 'fake',
      checkpointId,
      epoch,
      triggerTimestamp: Date.now(),
      maxParallelism: 128,
      operators: [],
      files: [],
      sources: [],
      committables: [],
      endOfInput: false,
    });
    return directory;
  };
  const end = async (state: 'FINISHED' | 'FAILED' | 'CANCELED', savepointPath: string | null): Promise<void> => {
    const failure = state === 'FAILED' ? 'CSV_BAD_ROW: the file is not to our taste' : null;
    const summary = { sources: { t: { rows: 3 } }, sinks: { u: { rows: 2 } } };
    await storage.writeJobResult(attempt, {
      jobId,
      state,
      startTime,
      endTime: Date.now(),
      failure,
      savepointPath,
      summary,
    });
    status = state;
  };
  if (status === 'RUNNING' && sql.includes('-- finish')) await end('FINISHED', null);
  if (status === 'RUNNING' && sql.includes('-- fail')) await end('FAILED', null);

  const route = async (method: string, path: string, body: Record<string, string>): Promise<object | null> => {
    const operation = /\/(savepoints|checkpoints)\/([0-9a-f]{32})$/.exec(path);
    if (path.endsWith('/status')) return { status };
    if (operation !== null) return operations.get(operation[2]!) ?? null;
    if (method === 'GET' && path.endsWith(jobId)) return { state: status, vertices: [] };
    if (path.endsWith('/exceptions')) return { exceptionHistory: { entries: [] } };
    if (method === 'GET' && path.endsWith('/checkpoints')) return { counts: {}, latest: {}, history: [] };
    if (method === 'PATCH') {
      await end('CANCELED', null);
      return {};
    }
    const triggerId = body['triggerId']!;
    if (operations.has(triggerId)) return { 'request-id': triggerId };
    const completed = (operation: object): object => ({ status: { id: 'COMPLETED' }, operation });
    if (path.endsWith('/checkpoints')) {
      await publish('CHECKPOINT', (id) => storage.checkpointPath(jobId, id));
      operations.set(triggerId, completed({ checkpointId: count }));
    } else {
      const location = await publish('SAVEPOINT', () => storage.savepointPath(jobId, triggerId));
      if (path.endsWith('/stop')) await end('FINISHED', location);
      operations.set(triggerId, completed({ location }));
    }
    return { 'request-id': triggerId };
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const authorized = request.headers.authorization === `Bearer ${token}`;
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, string>;
      const path = (request.url ?? '').split('?')[0]!;
      const answer = authorized && path.includes(jobId) ? route(request.method ?? 'GET', path, body) : null;
      void Promise.resolve(answer).then((found) => {
        response.writeHead(found === null ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(found ?? { errors: ['not found'] }));
      });
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const endpoints = {
      pid: process.pid,
      jobId,
      epoch,
      restUrl: `http://127.0.0.1:${port}`,
      rpcAddress: '',
      rpcPort: 0,
    };
    const file = config['flowjob.endpoints-file']!;
    writeFileSync(`${file}.tmp`, JSON.stringify(endpoints));
    renameSync(`${file}.tmp`, file);
  });
}
