// Rescaling in place: what parallelism a job is asked for, and what became of the changes so far (Flink's FLIP-291 and FLIP-495).
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badRequest, notFound, notInBatch } from './errors.ts';
import type { JobManagerGateway, JobResourceRequirements, RescalesView } from './gateway.ts';
import { hexId, requireJob } from './parameters.ts';
import { rescaleDetails, rescaleOptionsJson, rescalesOverview, rescalesSummary } from './rescale-json.ts';

/** GatewayError 404: a batch, or a job that has ended, has none. */
function rescalesOf(request: FastifyRequest, gateway: JobManagerGateway): RescalesView {
  const { rescales, jobId } = requireJob(request, gateway);
  if (rescales === null) throw notFound(`AdaptiveScheduler rescales was not enabled for job ${jobId}.`);
  return rescales;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{<vertex id>: {parallelism: {lowerBound, upperBound}}}`; GatewayError 400 when it is something else. */
function requirementsOf(body: unknown): JobResourceRequirements {
  if (!isRecord(body)) throw badRequest('Bad request: the body must be an object with a field per job vertex.');
  return Object.fromEntries(
    Object.entries(body).map(([id, vertex]) => {
      const parallelism = isRecord(vertex) ? vertex['parallelism'] : null;
      const [lowerBound, upperBound] = isRecord(parallelism)
        ? [parallelism['lowerBound'], parallelism['upperBound']]
        : [null, null];
      if (!Number.isInteger(lowerBound) || !Number.isInteger(upperBound))
        throw badRequest(
          `Bad request: job vertex "${id}" must be {"parallelism": {"lowerBound": <whole number>, "upperBound": <whole number>}}.`,
        );
      return [id, { parallelism: { lowerBound: Number(lowerBound), upperBound: Number(upperBound) } }];
    }),
  );
}

export function registerRescaleRoutes(server: FastifyInstance, gateway: JobManagerGateway): void {
  server.get('/jobs/:jobid/resource-requirements', async (request) => {
    const { requirements, plan, status, jobId } = requireJob(request, gateway);
    if (requirements !== null) return requirements;
    throw plan.mode === 'BATCH' ? notInBatch() : notFound(`Job ${jobId} is ${status}: it asks for no resources.`);
  });
  server.put('/jobs/:jobid/resource-requirements', async (request) => {
    const { jobId } = requireJob(request, gateway);
    await gateway.updateResourceRequirements(jobId, requirementsOf(request.body));
    return {};
  });

  const rescales = '/jobs/:jobid/rescales';
  server.get(`${rescales}/config`, async (request) => rescaleOptionsJson(rescalesOf(request, gateway).options));
  server.get(`${rescales}/overview`, async (request) => rescalesOverview(rescalesOf(request, gateway)));
  server.get(`${rescales}/summary`, async (request) => rescalesSummary(rescalesOf(request, gateway)));
  server.get(`${rescales}/history`, async (request) =>
    rescalesOf(request, gateway).history.map((rescale) => rescaleDetails(rescale, false)),
  );
  server.get(`${rescales}/details/:rescaleuuid`, async (request) => {
    const { history } = rescalesOf(request, gateway);
    const uuid = hexId(request, 'rescaleuuid');
    const found = history.find(({ rescaleUuid }) => rescaleUuid === uuid);
    if (found === undefined) throw notFound(`Could not find rescale details of specified rescaleUuid ${uuid}.`);
    return rescaleDetails(found, true);
  });
}
