// Path parameters: ids of their form, and the objects they name.
import type { FastifyRequest } from 'fastify';
import type { ExecVertex } from '../plan/exec-plan.ts';
import { badPathParameter, jobNotFound, notFound } from './errors.ts';
import type { JobManagerGateway, JobView, VertexView } from './gateway.ts';

const HEX_32 = /^[0-9a-f]{32}$/i;

/** A 32-digit hexadecimal id from the path; GatewayError 400 when it is not one. */
export function hexId(request: FastifyRequest, parameter: string): string {
  const value = (request.params as Record<string, string>)[parameter] ?? '';
  if (!HEX_32.test(value)) throw badPathParameter(parameter, value);
  return value.toLowerCase();
}

/** A whole number from the path. */
export function wholeNumber(request: FastifyRequest, parameter: string): number {
  const value = (request.params as Record<string, string>)[parameter] ?? '';
  if (!/^\d{1,9}$/.test(value)) throw badPathParameter(parameter, value);
  return Number(value);
}

/** The job that the path names; GatewayError 404 when it is another. */
export function requireJob(request: FastifyRequest, gateway: JobManagerGateway): JobView {
  const jobId = hexId(request, 'jobid');
  const job = gateway.job();
  if (job === null || job.jobId !== jobId) throw jobNotFound(jobId);
  return job;
}

/** The vertex that the path names. */
export function requireVertex(request: FastifyRequest, job: JobView): { spec: ExecVertex; view: VertexView } {
  const id = hexId(request, 'vertexid');
  const spec = job.plan.vertices.find((vertex) => vertex.id === id);
  const view = job.vertices.find((vertex) => vertex.id === id);
  if (spec === undefined || view === undefined) throw notFound(`No vertex with ID ${id} exists.`);
  return { spec, view };
}
