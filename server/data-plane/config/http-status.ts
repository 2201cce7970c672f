import { ConfigProblem } from './problem.ts';

/** envoy.type.v3.StatusCode by name. */
const STATUS_NUMBERS: Readonly<Record<string, number>> = {
  Continue: 100,
  OK: 200,
  Created: 201,
  Accepted: 202,
  NonAuthoritativeInformation: 203,
  NoContent: 204,
  ResetContent: 205,
  PartialContent: 206,
  MultiStatus: 207,
  AlreadyReported: 208,
  IMUsed: 226,
  MultipleChoices: 300,
  MovedPermanently: 301,
  Found: 302,
  SeeOther: 303,
  NotModified: 304,
  UseProxy: 305,
  TemporaryRedirect: 307,
  PermanentRedirect: 308,
  BadRequest: 400,
  Unauthorized: 401,
  PaymentRequired: 402,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  ProxyAuthenticationRequired: 407,
  RequestTimeout: 408,
  Conflict: 409,
  Gone: 410,
  LengthRequired: 411,
  PreconditionFailed: 412,
  PayloadTooLarge: 413,
  URITooLong: 414,
  UnsupportedMediaType: 415,
  RangeNotSatisfiable: 416,
  ExpectationFailed: 417,
  MisdirectedRequest: 421,
  UnprocessableEntity: 422,
  Locked: 423,
  FailedDependency: 424,
  UpgradeRequired: 426,
  PreconditionRequired: 428,
  TooManyRequests: 429,
  RequestHeaderFieldsTooLarge: 431,
  InternalServerError: 500,
  NotImplemented: 501,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
  HTTPVersionNotSupported: 505,
  VariantAlsoNegotiates: 506,
  InsufficientStorage: 507,
  LoopDetected: 508,
  NotExtended: 510,
  NetworkAuthenticationRequired: 511,
};

/** A StatusCode by name or number; 0 when it is not set. */
export const statusCode = (code: unknown): number =>
  typeof code === 'number' ? code : (STATUS_NUMBERS[String(code)] ?? 0);

/** Reads an HttpStatus; 0 when it is not set. Throws ConfigProblem for a number that is no StatusCode. */
export function readStatus(given: unknown, field: string): number {
  const code = (given as { readonly code?: unknown } | undefined)?.code ?? 0;
  if (typeof code === 'number' && code !== 0 && !KNOWN.has(code))
    throw new ConfigProblem(`${field}.code`, 'value must be one of the defined enum values');
  return statusCode(code);
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(STATUS_NUMBERS));

/** Reads an HttpStatus of a filter that refuses: what is no error counts as `fallback`. */
export function errorStatus(given: unknown, field: string, fallback: number): number {
  const status = readStatus(given, field);
  return status < 400 ? fallback : status;
}
