// The application, as Flink 2.3 calls what submits jobs: a JobManager of this engine runs one, of one job, under the job's id. Flink's web UI begins with it.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { notFound } from './errors.ts';
import type { JobManagerGateway, JobStatus, JobView } from './gateway.ts';
import { jobOverview } from './job-json.ts';
import { hexId } from './parameters.ts';

/** Flink's ApplicationState. */
type ApplicationState = 'CREATED' | 'RUNNING' | 'FAILING' | 'FAILED' | 'CANCELING' | 'CANCELED' | 'FINISHED';

function applicationState(status: JobStatus): ApplicationState {
  switch (status) {
    case 'FAILING':
    case 'FAILED':
    case 'CANCELED':
    case 'FINISHED':
      return status;
    case 'CANCELLING':
      return 'CANCELING';
    case 'INITIALIZING':
    case 'CREATED':
      return 'CREATED';
    // It goes on while its job is started again.
    default:
      return 'RUNNING';
  }
}

/** The job of the application that the path names; GatewayError 404 when it is another. */
function requireApplication(request: FastifyRequest, gateway: JobManagerGateway): JobView {
  const id = hexId(request, 'applicationid');
  const job = gateway.job();
  if (job === null || job.jobId !== id) throw notFound(`Could not find Flink application (${id})`);
  return job;
}

function summary(job: JobView, now: number) {
  const { name, state, ...times } = jobOverview(job, now);
  return {
    id: job.jobId,
    name,
    'start-time': times['start-time'],
    'end-time': times['end-time'],
    duration: times.duration,
    status: applicationState(state),
  };
}

export function registerApplicationRoutes(
  server: FastifyInstance,
  gateway: JobManagerGateway,
  now: () => number,
): void {
  server.get('/applications/overview', async () => {
    const job = gateway.job();
    return { applications: job === null ? [] : [{ ...summary(job, now()), jobs: { [job.status]: 1 } }] };
  });

  const application = '/applications/:applicationid';
  server.get(application, async (request) => {
    const job = requireApplication(request, gateway);
    const { CREATED, INITIALIZING, RUNNING, FAILING, FAILED, CANCELLING, CANCELED, FINISHED } = job.timestamps;
    return {
      ...summary(job, now()),
      timestamps: {
        CREATED: INITIALIZING === 0 ? CREATED : INITIALIZING,
        ...{ RUNNING, FAILING, FAILED, CANCELING: CANCELLING, CANCELED, FINISHED },
      },
      jobs: [jobOverview(job, now())],
    };
  });
  server.get(`${application}/exceptions`, async (request) => {
    const { exceptions, status, jobId } = requireApplication(request, gateway);
    const [last] = status === 'FAILED' ? exceptions : [];
    const entries =
      last === undefined
        ? []
        : [{ exceptionName: last.exceptionName, stacktrace: last.stacktrace, timestamp: last.timestamp, jobId }];
    return { exceptionHistory: { entries } };
  });
  server.post(`${application}/cancel`, async (request, reply) => {
    await gateway.cancelJob(requireApplication(request, gateway).jobId);
    return reply.code(202).send({});
  });
}
