// The kernel's errors. `code` is for programs and stays; the message says what was asked, what came back, and what to do where that is not plain.

/** What the kernel itself reports; an answer of the API server that is an error has code API and is an ApiError. README.md says what to do about each. */
export const KUBE_ERROR_CODES = [
  'API',
  'CONFIG',
  'CONNECTION',
  'DEADLINE',
  'LEADERSHIP_LOST',
  'MADE_ANEW',
  'NOT_OURS',
  'WATCH_GARBLED',
  'WATCH_SILENT',
  'WATCH_WENT_BACK',
] as const;

export type KubeErrorCode = (typeof KUBE_ERROR_CODES)[number];

export class KubeError extends Error {
  readonly code: KubeErrorCode;

  constructor(code: KubeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'KubeError';
    this.code = code;
  }
}

/** The connection failed. `sent`: the request may have reached the server, and may have been carried out. */
export class ConnectionError extends KubeError {
  readonly sent: boolean;

  constructor(message: string, sent: boolean, cause: unknown) {
    super('CONNECTION', message, cause);
    this.name = 'ConnectionError';
    this.sent = sent;
  }
}

/** `metav1.Status`, as far as it is read. */
export interface Status {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

/** The API server said no. `reason` is Kubernetes' own word: NotFound, AlreadyExists, Conflict, Expired, Invalid, Forbidden, TooManyRequests, ... */
export class ApiError extends KubeError {
  /** HTTP status code, or that of a watch's ERROR event. */
  readonly status: number;
  readonly reason: string;
  readonly details: Status['details'];
  /** What the server said, without what was asked. */
  readonly said: string;
  /** How long the server asks us to wait, milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(asked: string, status: number, answer: Status, retryAfter?: number) {
    super('API', `${asked}: ${status} ${answer.reason ?? ''}: ${answer.message ?? 'no message'}`);
    this.name = 'ApiError';
    this.status = status;
    this.reason = answer.reason ?? '';
    this.details = answer.details;
    this.said = answer.message ?? 'no message';
    const seconds = answer.details?.retryAfterSeconds;
    this.retryAfter = retryAfter ?? (seconds === undefined ? undefined : seconds * 1000);
  }
}

/** There is no such object. (A kind that the server does not know has status 404 too, but another reason.) */
export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound');
/** create: the name is taken. */
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
/**
 * The object changed since it was read, or is another one than the uid that was named (which the API server calls Invalid in some places); apply: a field
 * belongs to somebody else.
 */
export const isConflict = (error: unknown): boolean =>
  hasReason(error, 'Conflict') ||
  (hasReason(error, 'Invalid') && hasCause(error, ({ field }) => field === 'metadata.uid'));

/** The resource version that was named is no longer known, or not known yet: list anew. Each form in which servers say so. */
export function isExpired(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone') return true;
  return hasCause(error, ({ reason }) => reason === 'ResourceVersionTooLarge');
}

function hasReason(error: unknown, reason: string): boolean {
  return error instanceof ApiError && error.reason === reason;
}

function hasCause(error: unknown, is: (cause: { reason?: string; field?: string }) => boolean): boolean {
  return error instanceof ApiError && (error.details?.causes?.some(is) ?? false);
}
