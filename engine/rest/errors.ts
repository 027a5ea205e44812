// Errors in Flink's form: an HTTP status and `{"errors": ["<exception class>: message"]}`.
import { GatewayError } from './gateway.ts';

const REST_HANDLER_EXCEPTION = 'org.apache.flink.runtime.rest.handler.RestHandlerException';
const NOT_FOUND_EXCEPTION = 'org.apache.flink.runtime.rest.NotFoundException';

export function badRequest(message: string): GatewayError {
  return new GatewayError(400, REST_HANDLER_EXCEPTION, message);
}

/** A parameter of the path that is not of its form, worded as Flink does. */
export function badPathParameter(name: string, value: string): GatewayError {
  return badRequest(
    `Bad request, could not parse parameters: Cannot resolve path parameter (${name}) from value "${value}".`,
  );
}

export function jobNotFound(jobId: string): GatewayError {
  return new GatewayError(404, NOT_FOUND_EXCEPTION, `Job ${jobId} not found`);
}

export function notFound(message: string): GatewayError {
  return new GatewayError(404, REST_HANDLER_EXCEPTION, message);
}

/** A job that is ending, or has ended. */
export function takesNoCommands(jobId: string, status: string): GatewayError {
  return new GatewayError(409, REST_HANDLER_EXCEPTION, `Job ${jobId} is ${status}: it takes no commands.`);
}

/** Flink's words for a job that has ended in another way than by being cancelled. */
export function endedOtherwise(status: string): GatewayError {
  return new GatewayError(
    409,
    REST_HANDLER_EXCEPTION,
    `Job cancellation failed because the job has already reached another terminal state (${status}).`,
  );
}

/** Flink's words for a scheduler that cannot rescale. */
export function notInBatch(): GatewayError {
  return badRequest(
    'The AdaptiveBatchScheduler does not support changing the parallelism without a job restart. This feature is currently only expected to work with the AdaptiveScheduler.',
  );
}

export function errorBody(error: GatewayError): { errors: string[] } {
  return { errors: [`${error.exceptionClass}: ${error.message}`] };
}
