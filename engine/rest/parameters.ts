// Path parameters: ids of their form, and the objects they name.
import type { FastifyRequest } from 'fastify';
import type { ExecVertex } from '../plan/exec-plan.ts';
import { badPathParameter, badRequest, jobNotFound, notFound } from './errors.ts';
import type { JobManagerGateway, JobView, SubtaskView, TaskManagerView, VertexView } from './gateway.ts';

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

/** A whole number from the query, or undefined when it is absent. */
export function wholeNumberQuery(request: FastifyRequest, parameter: string): number | undefined {
  const value = (request.query as Record<string, unknown>)[parameter];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value))
    throw badRequest(
      `Bad request, could not parse parameters: Cannot resolve query parameter (${parameter}) from value ${JSON.stringify(value)}.`,
    );
  return Number(value);
}

/** The job that the path names; GatewayError 404 when it is another. */
export function requireJob(request: FastifyRequest, gateway: JobManagerGateway): JobView {
  const jobId = hexId(request, 'jobid');
  const job = gateway.job();
  if (job === null || job.jobId !== jobId) throw jobNotFound(jobId);
  return job;
}

/** The TaskManager that the path names. */
export function requireTaskManager(request: FastifyRequest, gateway: JobManagerGateway): TaskManagerView {
  const { taskmanagerid } = request.params as { taskmanagerid: string };
  const view = gateway.taskManagers().find((candidate) => candidate.id === taskmanagerid);
  if (view === undefined) throw notFound(`Could not find TaskExecutor ${taskmanagerid}.`);
  return view;
}

/** The vertex that the path names. */
export function requireVertex(request: FastifyRequest, job: JobView): { spec: ExecVertex; view: VertexView } {
  const id = hexId(request, 'vertexid');
  const spec = job.plan.vertices.find((vertex) => vertex.id === id);
  const view = job.vertices.find((vertex) => vertex.id === id);
  if (spec === undefined || view === undefined) throw notFound(`No vertex with ID ${id} exists.`);
  return { spec, view };
}

/** The subtask that the path names. */
export function requireSubtask(request: FastifyRequest, vertex: VertexView): SubtaskView {
  const index = wholeNumber(request, 'subtaskindex');
  const subtask = vertex.subtasks.find((candidate) => candidate.subtask === index);
  if (subtask === undefined) throw notFound(`Invalid subtask index for vertex ${vertex.id}.`);
  return subtask;
}
