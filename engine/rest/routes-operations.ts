// Commands and the status of what they started: savepoints, checkpoints, stop, cancel, disposal.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badRequest, notFound } from './errors.ts';
import type { JobManagerGateway, OperationStatus } from './gateway.ts';
import { hexId, requireJob } from './parameters.ts';
import { failureCause } from './serialized-throwable.ts';

type Body = Record<string, unknown>;

/** An optional string of the body; GatewayError 400 when it is something else. */
function optionalString(body: Body, name: string): string | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string')
    throw badRequest(`Bad request: "${name}" must be a string, not ${JSON.stringify(value)}.`);
  return value;
}

/** `triggerId` of the body: 32 hexadecimal digits, as in Flink. */
function triggerId(body: Body): string | null {
  const value = optionalString(body, 'triggerId');
  if (value !== null && !/^[0-9a-f]{32}$/i.test(value))
    throw badRequest(`Bad request: triggerId "${value}" is not 32 hexadecimal digits.`);
  return value === null ? null : value.toLowerCase();
}

const bodyOf = (request: FastifyRequest): Body => (request.body ?? {}) as Body;

/** Flink's AsynchronousOperationResult: a failure is COMPLETED with a cause. */
function operationJson(status: OperationStatus, completed: (location: string) => object) {
  switch (status.state) {
    case 'IN_PROGRESS':
      return { status: { id: 'IN_PROGRESS' }, operation: null };
    case 'COMPLETED':
      return { status: { id: 'COMPLETED' }, operation: completed(status.location) };
    case 'FAILED': {
      const cause = failureCause(status.failureClass, `${status.failureClass}: ${status.message}`);
      return { status: { id: 'COMPLETED' }, operation: { 'failure-cause': cause } };
    }
  }
}

export function registerOperationRoutes(server: FastifyInstance, gateway: JobManagerGateway): void {
  server.post('/jobs/:jobid/savepoints', async (request, reply) => {
    const { jobId } = requireJob(request, gateway);
    const body = bodyOf(request);
    const wanted = { triggerId: triggerId(body), targetDirectory: optionalString(body, 'target-directory') };
    const started =
      body['cancel-job'] === true
        ? await gateway.stopWithSavepoint(jobId, { ...wanted, drain: false })
        : await gateway.triggerSavepoint(jobId, wanted);
    return reply.code(202).send({ 'request-id': started.triggerId });
  });
  server.post('/jobs/:jobid/stop', async (request, reply) => {
    const { jobId } = requireJob(request, gateway);
    const body = bodyOf(request);
    const started = await gateway.stopWithSavepoint(jobId, {
      triggerId: triggerId(body),
      targetDirectory: optionalString(body, 'targetDirectory'),
      drain: body['drain'] === true,
    });
    return reply.code(202).send({ 'request-id': started.triggerId });
  });
  server.get('/jobs/:jobid/savepoints/:triggerid', async (request) => {
    const { jobId } = requireJob(request, gateway);
    const id = hexId(request, 'triggerid');
    const status = gateway.savepointStatus(jobId, id);
    if (status === null) throw notFound(`There is no savepoint operation with triggerId=${id} for job ${jobId}.`);
    return operationJson(status, (location) => ({ location }));
  });

  server.post('/jobs/:jobid/checkpoints', async (request, reply) => {
    const { jobId } = requireJob(request, gateway);
    const started = await gateway.triggerCheckpoint(jobId, triggerId(bodyOf(request)));
    return reply.code(202).send({ 'request-id': started.triggerId });
  });
  server.get('/jobs/:jobid/checkpoints/:triggerid', async (request) => {
    const { jobId } = requireJob(request, gateway);
    const id = hexId(request, 'triggerid');
    const status = gateway.checkpointTriggerStatus(jobId, id);
    if (status === null) throw notFound(`There is no checkpoint operation with triggerId=${id} for job ${jobId}.`);
    return operationJson(status, (location) => ({ checkpointId: Number(location) }));
  });

  server.patch('/jobs/:jobid', async (request, reply) => {
    const { jobId } = requireJob(request, gateway);
    const { mode } = request.query as { mode?: string };
    if (mode !== undefined && mode !== 'cancel')
      throw badRequest(
        `Bad request, could not parse parameters: mode "${mode}" is not supported; use mode=cancel, or POST /jobs/:jobid/stop.`,
      );
    await gateway.cancelJob(jobId);
    return reply.code(202).send({});
  });
  // How Flink's web UI cancels: a link that YARN's proxy lets through.
  server.get('/jobs/:jobid/yarn-cancel', async (request, reply) => {
    await gateway.cancelJob(requireJob(request, gateway).jobId);
    return reply.code(202).send({});
  });

  // Flink answers this one with 200, not 202.
  server.post('/savepoint-disposal', async (request) => {
    const path = optionalString(bodyOf(request), 'savepoint-path');
    if (path === null) throw badRequest('Bad request: "savepoint-path" is missing.');
    const started = await gateway.disposeSavepoint(path);
    return { 'request-id': started.triggerId };
  });
  server.get('/savepoint-disposal/:triggerid', async (request) => {
    const id = hexId(request, 'triggerid');
    const status = gateway.disposalStatus(id);
    if (status === null) throw notFound(`There is no savepoint disposal operation with triggerId=${id}.`);
    return operationJson(status, () => ({}));
  });
}
